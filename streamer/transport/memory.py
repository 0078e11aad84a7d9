"""A broker within the process: topics, groups and committed offsets without any network.

For tests and dry runs. It keeps Kafka's promises on order, placement of keys and rebalancing,
and gives no more: what was sent but not flushed is not there.
"""

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

from streamer.errors import FencedError, TransportError
from streamer.events.record import Message, Record, TopicPartition
from streamer.transport.base import Rebalance
from streamer.transport.memory_group import Group
from streamer.transport.message_size import require_sendable
from streamer.transport.partitioner import partition_for


class MemoryBroker:
    """Holds the logs; makes consumers and producers; safe for use from several threads."""

    def __init__(self, topics: Mapping[str, int], *, now_ms: Callable[[], int]) -> None:
        """Begin with empty topics.

        Args:
            topics: names and numbers of partitions.
            now_ms: milliseconds since the epoch, the timestamp of messages that have none.
        """
        self._now_ms = now_ms
        self._logs: dict[TopicPartition, list[Record]] = {}
        self._partitions: dict[str, int] = {}
        self._groups: dict[str, Group] = {}
        self._members = itertools.count()
        self._turn = itertools.count()
        self.changed = threading.Condition()
        self.create_topics(topics)

    def create_topics(self, topics: Mapping[str, int]) -> None:
        """Add empty topics, given as names and numbers of partitions; existing ones stay as they are."""
        with self.changed:
            for name, partitions in topics.items():
                if name not in self._partitions:
                    self._partitions[name] = partitions
                    self._logs.update({TopicPartition(name, number): [] for number in range(partitions)})

    def consumer(
        self, group_id: str, *, auto_offset_reset: Literal["earliest", "latest"] = "earliest"
    ) -> "MemoryConsumer":
        """Make a member of a group; it joins when it subscribes."""
        with self.changed:
            group = self._groups.setdefault(group_id, Group())
            return MemoryConsumer(self, group, next(self._members), from_start=auto_offset_reset == "earliest")

    def producer(self, *, max_message_bytes: int = 1_000_000) -> "MemoryProducer":
        """Make a producer."""
        return MemoryProducer(self, max_message_bytes)

    def records(self, topic: str) -> list[Record]:
        """Return everything written to a topic, by partition, in order."""
        with self.changed:
            return [record for place in self.places([topic]) for record in self._logs[place]]

    def places(self, topics: Sequence[str]) -> list[TopicPartition]:
        """List the partitions of topics.

        Raises:
            TransportError: a topic does not exist.
        """
        for topic in topics:
            if topic not in self._partitions:
                raise TransportError(f"topic {topic!r} does not exist: create it, e.g. by MemoryBroker.create_topics")
        return [TopicPartition(topic, number) for topic in topics for number in range(self._partitions[topic])]

    def log(self, place: TopicPartition) -> Sequence[Record]:
        """Return the log of a partition; a record's offset is its index."""
        return self._logs[place]

    def append(self, messages: Sequence[Message]) -> None:
        """Write messages to the ends of their partitions' logs."""
        with self.changed:
            for message in messages:
                partitions = self._partitions[message.topic]
                number = (
                    next(self._turn) % partitions if message.key is None else partition_for(message.key, partitions)
                )
                log = self._logs[TopicPartition(message.topic, number)]
                timestamp = self._now_ms() if message.timestamp is None else message.timestamp
                log.append(
                    Record(message.topic, number, len(log), message.key, message.value, message.headers, timestamp)
                )
            self.changed.notify_all()


class MemoryConsumer:
    """A `Consumer` on a `MemoryBroker`."""

    def __init__(self, broker: MemoryBroker, group: Group, member: int, *, from_start: bool) -> None:
        """Made by `MemoryBroker.consumer`."""
        self._broker = broker
        self._group = group
        self._member = member
        self._from_start = from_start
        self._wanted: Sequence[TopicPartition] = ()
        self._rebalance: Rebalance | None = None
        self._position: dict[TopicPartition, int] = {}
        self._failure: BaseException | None = None
        self._closed = False

    def subscribe(self, topics: Sequence[str], rebalance: Rebalance) -> None:
        """See `Consumer.subscribe`."""
        self._require_open()
        with self._broker.changed:
            self._wanted = self._broker.places(topics)
            self._rebalance = rebalance
            self._group.join(self._member, self._wanted)
            self._broker.changed.notify_all()

    def poll(self, *, timeout_s: float, max_records: int) -> list[Record]:
        """See `Consumer.poll`."""
        self._require_open()
        if self._rebalance is None:
            raise TransportError("poll before subscribe: subscribe to topics first")
        if self._failure is not None:
            raise self._failure
        try:
            self._follow(self._rebalance)
        except BaseException as error:
            self._failure = error
            raise
        with self._broker.changed:
            self._broker.changed.wait_for(self._has_news, timeout_s)
            return list(itertools.islice(self._unread(), max_records))

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """See `Consumer.commit`."""
        self._require_open()
        with self._broker.changed:
            for place in offsets:
                if not self._group.owns(self._member, place):
                    raise FencedError(f"{place} belongs to another member; rebuild from the committed offsets")
            self._group.committed.update(offsets)

    def positions(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """See `Consumer.positions`."""
        self._require_open()
        with self._broker.changed:
            return {place: self._position[place] for place in partitions if place in self._position}

    def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """See `Consumer.end_offsets`."""
        self._require_open()
        with self._broker.changed:
            return {place: len(self._broker.log(place)) for place in partitions}

    def expel(self) -> None:
        """Lose the membership, as a worker does that was silent for too long."""
        with self._broker.changed:
            self._group.leave(self._member)
            self._broker.changed.notify_all()

    def close(self) -> None:
        """See `Consumer.close`."""
        if not self._closed:
            self.expel()
            self._closed = True

    def _follow(self, rebalance: Rebalance) -> None:
        """Do what the group asks of this member, outside the lock: callbacks may take long."""
        with self._broker.changed:
            lost = sorted(place for place in self._position if not self._group.owns(self._member, place))
            self._group.join(self._member, self._wanted)
            leaving = self._group.to_give_up(self._member)
        self._forget(lost)
        if lost:
            rebalance.lost(lost)
        if leaving:
            rebalance.revoked(leaving)
        with self._broker.changed:
            self._forget(leaving)
            self._group.give_up(leaving)
            taken = self._group.to_take(self._member)
            self._group.take(self._member, taken)
            for place in taken:
                start = 0 if self._from_start else len(self._broker.log(place))
                self._position[place] = self._group.committed.get(place, start)
            self._broker.changed.notify_all()
        if taken:
            rebalance.assigned(taken)

    def _forget(self, places: Sequence[TopicPartition]) -> None:
        for place in places:
            self._position.pop(place, None)

    def _has_news(self) -> bool:
        if self._group.to_give_up(self._member) or self._group.to_take(self._member):
            return True
        return any(position < len(self._broker.log(place)) for place, position in self._position.items())

    def _unread(self) -> Iterator[Record]:
        if self._position:
            # Another partition comes first each time, so that none starves.
            first = next(iter(self._position))
            self._position[first] = self._position.pop(first)
        for place in list(self._position):
            for record in self._broker.log(place)[self._position[place] :]:
                self._position[place] += 1
                yield record

    def _require_open(self) -> None:
        if self._closed:
            raise TransportError("the consumer is closed: make a new one")


class MemoryProducer:
    """A `Producer` on a `MemoryBroker`; messages are nowhere before `flush`."""

    def __init__(self, broker: MemoryBroker, max_message_bytes: int) -> None:
        """Made by `MemoryBroker.producer`."""
        self._broker = broker
        self._limit = max_message_bytes
        self._queued: list[Message] = []
        self._closed = False

    @property
    def max_message_bytes(self) -> int:
        """See `Producer.max_message_bytes`."""
        return self._limit

    def send(self, message: Message) -> None:
        """See `Producer.send`."""
        self._require_open()
        require_sendable(message, self._limit)
        self._broker.places([message.topic])
        self._queued.append(message)

    def flush(self, *, timeout_s: float) -> None:  # noqa: ARG002 (nothing takes time here)
        """See `Producer.flush`."""
        self._require_open()
        queued, self._queued = self._queued, []
        self._broker.append(queued)

    def close(self) -> None:
        """See `Producer.close`."""
        self._closed = True

    def _require_open(self) -> None:
        if self._closed:
            raise TransportError("the producer is closed: make a new one")
