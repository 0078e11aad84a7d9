"""Simulated payments, read as if from one partition."""

from collections.abc import Iterable
from itertools import islice

from streamer.events.record import Record
from streamer.simulate.event import SimulatedEvent, encode


class SimulatedSource:
    """A bounded source: an empty poll is its end."""

    def __init__(self, events: Iterable[SimulatedEvent]) -> None:
        """Begin with the first event."""
        self._events = enumerate(events)

    def poll(self, *, timeout_s: float, max_records: int) -> list[Record]:  # noqa: ARG002 (never waits)
        """Return the next records, at most so many."""
        return [
            Record("simulated", 0, offset, None, encode(event.transaction), timestamp=int(event.transaction.timestamp))
            for offset, event in islice(self._events, max_records)
        ]
