"""A topic as something that ends."""

from collections.abc import Mapping, Sequence

from streamer.events.record import Record, TopicPartition
from streamer.transport.base import Consumer, Rebalance


class BoundedTopic:
    """Topics up to the ends they had when their partitions were assigned: a `Source`."""

    def __init__(
        self, consumer: Consumer, topics: Sequence[str], ends: Mapping[TopicPartition, int] | None = None
    ) -> None:
        """Join the group.

        Args:
            consumer: its group must have no committed offsets and start at the earliest.
            topics: what to read.
            ends: where to end instead; what lies behind a transaction that is still open is waited for.
        """
        self._consumer = consumer
        self._ends: dict[TopicPartition, int] | None = None if ends is None else dict(ends)
        self._next: dict[TopicPartition, int] = {}
        consumer.subscribe(topics, Rebalance(assigned=self._note, revoked=_stay, lost=_stay))

    def poll(self, *, timeout_s: float, max_records: int) -> list[Record]:
        """See `Source.poll`; waits for as long as something is left to read."""
        while self._is_behind():
            polled = self._consumer.poll(timeout_s=timeout_s, max_records=max_records)
            if records := [record for record in polled if self._is_news(record)]:
                self._next |= {record.source: record.offset + 1 for record in records}
                return records
        return []

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _is_behind(self) -> bool:
        if self._ends is None:
            return True
        # Positions, not records: the last offsets may hold marks of transactions.
        positions = self._consumer.positions(list(self._ends))
        return any(positions.get(source, 0) < end for source, end in self._ends.items())

    def _is_news(self, record: Record) -> bool:
        # A consumer that was expelled by its group begins at the beginning again.
        ends = self._ends or {}
        return self._next.get(record.source, 0) <= record.offset < ends.get(record.source, 0)

    def _note(self, sources: Sequence[TopicPartition]) -> None:
        if self._ends is None:
            self._ends = self._consumer.end_offsets(sources)


def _stay(_: Sequence[TopicPartition]) -> None:
    """Keep the ends: in a group of one, partitions that go come back."""
