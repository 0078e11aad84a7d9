"""Payments of arbitrarily many users, as columns: a simulation of so many would take minutes."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from streamer.events.event import EventBatch
from streamer.events.record import Record
from streamer.settings import StateSettings
from streamer.state.partition import PartitionState
from tests.bench.timing import us_per_unit
from tests.bench.workload import BATCH, WORLD

_LATE_AFTER_MS = 60_000
MERCHANTS = 2_000
_PACE_MS = 10_000_000
"""Between two payments of a user, on average: few users who paid as often together would look like fraud."""


class Crowd:
    """A partition in which each of many users paid once, and their next payments."""

    def __init__(self, users: int, merchants: int = MERCHANTS) -> None:
        """Let every user pay once."""
        settings = StateSettings(users=users, merchants=max(merchants, StateSettings().merchants))
        self.state = PartitionState(settings, late_after_ms=_LATE_AFTER_MS)
        self._users = users
        self._gap_ms = _PACE_MS // users
        self._merchants = merchants
        self._rng = np.random.default_rng(users)
        self._paid = 0
        for start in range(0, users, BATCH):
            self.state.advance(self._pay(np.arange(start, min(start + BATCH, users))))

    def payments(self, count: int) -> Iterator[EventBatch]:
        """Yield batches of new payments, each by any user."""
        for _ in range(count // BATCH):
            yield self._pay(self._rng.integers(self._users, size=BATCH))

    def cost_of(self, events: int) -> float:
        """Take in so many new payments; return µs an event."""
        batches = list(self.payments(events))
        return us_per_unit(lambda: sum(len(self.state.advance(batch).batch) for batch in batches))

    def _pay(self, users: NDArray[np.int64]) -> EventBatch:
        count = len(users)
        numbers = range(self._paid, self._paid + count)
        self._paid += count
        unknown = (None,) * count
        return EventBatch(
            records=tuple(Record("memory", 0, number, None, None) for number in numbers),
            arrived=np.full(count, -1),
            transaction_id=tuple(f"transaction-{number:012}" for number in numbers),
            user_id=tuple(f"user-{user:09}" for user in users),
            amount=self._rng.lognormal(3.0, 1.0, count),
            timestamp=WORLD.start + self._gap_ms * np.arange(numbers.start, numbers.stop, dtype=np.int64),
            merchant_id=tuple(f"merchant-{number:05}" for number in self._rng.integers(self._merchants, size=count)),
            category=("5411",) * count,
            currency=unknown,
            channel=unknown,
            country=("DE",) * count,
            device_id=unknown,
            latitude=np.zeros(count),
            longitude=np.zeros(count),
            located=np.zeros(count, np.bool_),
        )
