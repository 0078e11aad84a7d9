"""Windows of past events for training: the same decode and state path as the live worker."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from detectors.api import Windows
from streamer.errors import ArchiveError
from streamer.events.decode import decode
from streamer.events.mapping import FieldMapping
from streamer.events.record import TopicPartition
from streamer.settings import Settings
from streamer.state.partition import Advance, PartitionState
from streamer.transport.base import Source

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class History:
    """Windows in the order of event time.

    Attributes:
        windows: N windows.
        timestamp: (N,) int64, event time of each window's last event, milliseconds.
        transaction_id: N texts.
        user_id: N texts.
        rejected: records that were no transactions.
        begins: event time of the oldest transaction that was read, kept or not.
    """

    windows: Windows
    timestamp: NDArray[np.int64]
    transaction_id: NDArray[np.str_]
    user_id: NDArray[np.str_]
    rejected: int
    begins: int

    @property
    def days(self) -> float:
        """Days of event time that the windows cover."""
        return float(self.timestamp[-1] - self.timestamp[0]) / DAY_MS


def advances(
    source: Source, settings: Settings, mapping: FieldMapping | None, *, progress: Callable[[int], None]
) -> Iterator[tuple[Advance, int]]:
    """Yield what a bounded source does to the state, batch by batch, and how many records were no transactions.

    Args:
        source: an archive or a bounded topic range; an empty poll is its end.
        settings: bounds of state and rules of events.
        mapping: of records that are no canonical transactions.
        progress: told how many records each step read.
    """
    states: dict[TopicPartition, PartitionState] = {}
    while records := source.poll(timeout_s=1.0, max_records=10_000):
        for place, share in groupby(records, key=lambda record: record.source):
            if place not in states:
                late_after_ms = round(settings.events.late_after_s * 1000)
                states[place] = PartitionState(settings.state, late_after_ms=late_after_ms)
            batch, faults = decode(list(share), settings.events, mapping)
            yield states[place].advance(batch), len(faults)
        progress(len(records))


def collect(
    source: Source,
    settings: Settings,
    mapping: FieldMapping | None = None,
    *,
    newest: int,
    progress: Callable[[int], None],
) -> History:
    """Read a bounded source to its end and return its newest windows.

    Args:
        source: see `advances`.
        settings: see `advances`.
        mapping: see `advances`.
        newest: at most this many windows are kept; older events still shape the state.
        progress: see `advances`.

    Raises:
        ArchiveError: the source holds no transaction.
    """
    windows: list[Windows] = []
    times: list[NDArray[np.int64]] = []
    ids: list[NDArray[np.str_]] = []
    users: list[NDArray[np.str_]] = []
    held = rejected = 0
    begins = np.iinfo(np.int64).max
    for advance, faults in advances(source, settings, mapping, progress=progress):
        rejected += faults
        begins = min(begins, int(advance.batch.timestamp.min(initial=begins)))
        held += len(advance.batch)
        windows.append(advance.windows)
        times.append(advance.batch.timestamp)
        ids.append(np.array(advance.batch.transaction_id, dtype=np.str_))
        users.append(np.array(advance.batch.user_id, dtype=np.str_))
        while len(windows) > 1 and held - len(windows[0]) >= newest:
            held -= len(windows.pop(0))
            times.pop(0)
            ids.pop(0)
            users.pop(0)
    if held == 0:
        raise ArchiveError(f"no transaction found ({rejected} records rejected): check the file or the topic range")
    timestamp = np.concatenate(times)
    order = np.argsort(timestamp, kind="stable")[-newest:]
    return History(
        Windows.concatenate(windows).rows(order),
        timestamp[order],
        np.concatenate(ids)[order],
        np.concatenate(users)[order],
        rejected,
        begins,
    )
