"""From a configuration to events in time order."""

from collections.abc import Iterator

import numpy as np

from streamer.errors import SettingsError
from streamer.simulate.config import SimulationConfig
from streamer.simulate.event import SimulatedEvent
from streamer.simulate.frauds.day import fraud_beginning
from streamer.simulate.honest import honest_day
from streamer.simulate.names import Names
from streamer.simulate.payments import Payments
from streamer.simulate.world import make_world


def simulate(config: SimulationConfig, days: range | None = None) -> Iterator[SimulatedEvent]:
    """Yield the events of a range of days, oldest first, holding one day in memory.

    The same configuration gives the same events, and ranges fit together: days 0 to 30 and
    then 30 to 40 are days 0 to 40.

    Args:
        config: what to simulate.
        days: consecutive days, at most 0 to `config.days`; None for all.

    Raises:
        SettingsError: the days are not consecutive or not in the simulation.
    """
    chosen = range(config.days) if days is None else days
    if chosen.step != 1 or chosen.start < 0 or chosen.stop > config.days:
        raise SettingsError(f"the simulation has days 0 to {config.days - 1}, consecutive; not {chosen!r}")
    return _events(config, chosen)


def _events(config: SimulationConfig, days: range) -> Iterator[SimulatedEvent]:
    world = make_world(config)
    names = Names(world)
    late = Payments.of([])
    # A burst may go on after midnight, but lasts less than a day: one day before is enough.
    for day in range(days.start - 1, days.stop):
        honest = honest_day(world, day)
        begun = Payments.concatenate([late, honest, fraud_beginning(world, day, honest)])
        today = begun.time < world.midnight(day + 1)
        late = begun.rows(~today)
        if day in days:
            rows = np.flatnonzero(today)
            yield from names.events(day, begun.rows(rows[np.argsort(begun.time[rows], kind="stable")]))
