"""What a broker within the process holds: logs, groups, and who writes under which transactional name."""

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence

from streamer.errors import TransportError
from streamer.events.record import Message, Record, TopicPartition
from streamer.transport.memory_group import Group
from streamer.transport.partitioner import partition_for


class MemoryLogs:
    """The state of a `MemoryBroker`; safe for use from several threads.

    Attributes:
        changed: the lock of everything here; notified when something changed.
        fail_transactions: asked by each transaction how it shall fail: "lost" writes nothing,
            "unanswered" writes everything, and both leave the writer in doubt; None fails nothing.
    """

    def __init__(self, topics: Mapping[str, int], *, now_ms: Callable[[], int]) -> None:
        """Begin with empty topics.

        Args:
            topics: names and numbers of partitions.
            now_ms: milliseconds since the epoch, the timestamp of messages that have none.
        """
        self._now_ms = now_ms
        self._logs: dict[TopicPartition, list[Record]] = {}
        self._partitions: dict[str, int] = {}
        self._log_ids: dict[str, str] = {}
        self._made = itertools.count()
        self._groups: dict[str, Group] = {}
        self._epochs: dict[str, int] = {}
        self._turn = itertools.count()
        self.changed = threading.Condition()
        self.fail_transactions: Callable[[], str | None] = lambda: None
        self.create_topics(topics)

    def create_topics(self, topics: Mapping[str, int]) -> None:
        """Add empty topics, given as names and numbers of partitions; existing ones stay as they are."""
        with self.changed:
            for name, partitions in topics.items():
                if name not in self._partitions:
                    self._partitions[name] = partitions
                    self._log_ids[name] = f"log-{next(self._made)}"
                    self._logs.update({TopicPartition(name, number): [] for number in range(partitions)})

    def delete_topic(self, name: str) -> None:
        """Delete a topic with its records and what groups have committed for it."""
        with self.changed:
            for place in self.places([name]):
                del self._logs[place]
                for group in self._groups.values():
                    group.committed.pop(place, None)
            del self._partitions[name], self._log_ids[name]
            self.changed.notify_all()

    def log_id(self, topic: str) -> str | None:
        """Return what tells a topic from those of the same name before and after it; None where there is none."""
        return self._log_ids.get(topic)

    def group(self, group_id: str) -> Group:
        """Return a group, which exists from now on."""
        with self.changed:
            return self._groups.setdefault(group_id, Group(group_id))

    def take_over(self, transactional_id: str) -> int:
        """Fence whoever wrote under a name, and return the epoch of the new writer."""
        with self.changed:
            self._epochs[transactional_id] = self._epochs.get(transactional_id, 0) + 1
            return self._epochs[transactional_id]

    def writes_as(self, transactional_id: str, epoch: int) -> bool:
        """Tell whether a writer's epoch is the last one of its name."""
        return self._epochs.get(transactional_id) == epoch

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
        """Return the log of a partition; a record's offset is its index. A topic that is deleted has no records."""
        return self._logs.get(place, ())

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
