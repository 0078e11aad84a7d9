"""Real windows: simulated payments through the same state as the worker's."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from detectors.api import Windows
from streamer.events.decode import decode
from streamer.events.record import Record
from streamer.settings import EventSettings, StateSettings
from streamer.simulate.config import SimulationConfig
from streamer.simulate.event import encode
from streamer.simulate.stream import simulate
from streamer.state.partition import PartitionState


@cache
def simulated_windows(world: SimulationConfig, days: int) -> tuple[Windows, NDArray[np.bool_]]:
    """Return the windows of the first days of a world, in time order, and which end in fraud."""
    events = list(simulate(world, range(days)))
    records = [Record("t", 0, offset, None, encode(event.transaction)) for offset, event in enumerate(events)]
    batch, faults = decode(records, EventSettings())
    assert not faults
    state = PartitionState(StateSettings(), late_after_ms=600_000)
    return state.advance(batch).windows, np.array([event.fraud is not None for event in events])


def read_only(windows: Windows) -> Windows:
    """Return a copy that cannot be written to."""
    copy = Windows(windows.steps.copy(), windows.length.copy(), windows.last.copy())
    for array in (copy.steps, copy.length, copy.last):
        array.setflags(write=False)
    return copy


def set_last(windows: Windows, values: NDArray[np.float32]) -> Windows:
    """Return the windows with other features (B, F) of their last events."""
    steps = windows.steps.copy()
    steps[:, -1] = values[:, : steps.shape[2]]
    return Windows(steps, windows.length.copy(), values.astype(np.float32))
