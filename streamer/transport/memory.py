"""A broker within the process: topics, groups, committed offsets and transactions without any network.

For tests and dry runs. It keeps Kafka's promises on order, placement of keys, rebalancing and
fencing, and gives no more: what was sent but not flushed is not there.
"""

import itertools
from collections.abc import Callable, Mapping
from typing import Literal

from streamer.transport.memory_consumer import MemoryConsumer
from streamer.transport.memory_logs import MemoryLogs
from streamer.transport.memory_producers import MemoryProducer, MemoryTransactionalProducer

__all__ = ["MemoryBroker", "MemoryConsumer", "MemoryProducer", "MemoryTransactionalProducer"]


class MemoryBroker(MemoryLogs):
    """Holds the logs; makes consumers and producers; safe for use from several threads."""

    def __init__(self, topics: Mapping[str, int], *, now_ms: Callable[[], int]) -> None:
        """Begin with empty topics.

        Args:
            topics: names and numbers of partitions.
            now_ms: milliseconds since the epoch, the timestamp of messages that have none.
        """
        super().__init__(topics, now_ms=now_ms)
        self._members = itertools.count()

    def consumer(
        self, group_id: str, *, auto_offset_reset: Literal["earliest", "latest"] = "earliest"
    ) -> MemoryConsumer:
        """Make a member of a group; it joins when it subscribes."""
        member = f"member-{next(self._members)}"
        return MemoryConsumer(self, self.group(group_id), member, from_start=auto_offset_reset == "earliest")

    def producer(self, *, max_message_bytes: int = 1_000_000) -> MemoryProducer:
        """Make a producer."""
        return MemoryProducer(self, max_message_bytes)
