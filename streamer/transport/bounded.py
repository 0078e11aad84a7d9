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
        self._given = ends
        self._ends: dict[TopicPartition, int] = {}
        self._assigned = False
        consumer.subscribe(topics, Rebalance(assigned=self._note, revoked=self._drop, lost=self._drop))

    def poll(self, *, timeout_s: float, max_records: int) -> list[Record]:
        """See `Source.poll`; waits for as long as something is left to read."""
        while not self._assigned or self._is_behind():
            polled = self._consumer.poll(timeout_s=timeout_s, max_records=max_records)
            records = [record for record in polled if record.offset < self._ends.get(record.source, 0)]
            if records:
                return records
        return []

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _is_behind(self) -> bool:
        # Positions, not records: the last offsets may hold marks of transactions.
        positions = self._consumer.positions(list(self._ends))
        return any(positions.get(source, 0) < end for source, end in self._ends.items())

    def _note(self, sources: Sequence[TopicPartition]) -> None:
        self._assigned = True
        given = self._given
        ends = self._consumer.end_offsets(sources) if given is None else {s: given.get(s, 0) for s in sources}
        self._ends |= ends

    def _drop(self, sources: Sequence[TopicPartition]) -> None:
        for source in sources:
            self._ends.pop(source, None)
