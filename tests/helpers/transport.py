"""What tests of transports share."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from streamer.events.record import Record, TopicPartition
from streamer.transport.base import Consumer, Rebalance

PATIENCE_S = 60.0

IGNORE = Rebalance(lambda _: None, lambda _: None, lambda _: None)


@dataclass
class Journal:
    """Notes what a consumer was told, in order."""

    events: list[tuple[str, tuple[TopicPartition, ...]]] = field(default_factory=list)

    def rebalance(self) -> Rebalance:
        """Return callbacks that write here."""
        return Rebalance(self._note("assigned"), self._note("revoked"), self._note("lost"))

    def owned(self) -> set[TopicPartition]:
        """Return what the consumer should believe it owns."""
        owned: set[TopicPartition] = set()
        for kind, places in self.events:
            owned = owned | set(places) if kind == "assigned" else owned - set(places)
        return owned

    def _note(self, kind: str) -> Callable[[Sequence[TopicPartition]], None]:
        return lambda places: self.events.append((kind, tuple(places)))


def read(consumer: Consumer, count: int, *, max_records: int = 500) -> list[Record]:
    """Poll until so many records came; fail when they do not come in time."""
    records: list[Record] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(records) < count:
        assert time.monotonic() < deadline, f"{len(records)} of {count} records came"
        records += consumer.poll(timeout_s=0.1, max_records=max_records)
    return records
