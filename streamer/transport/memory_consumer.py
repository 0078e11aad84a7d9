"""Reading from the broker within the process."""

import itertools
from collections.abc import Iterator, Mapping, Sequence

from streamer.errors import FencedError, RetriableTransportError, TransportError
from streamer.events.record import Record, TopicPartition
from streamer.transport.base import Membership, Rebalance
from streamer.transport.closed_once import ClosedOnce
from streamer.transport.memory_group import Group
from streamer.transport.memory_logs import MemoryLogs


class MemoryConsumer(ClosedOnce):
    """A `Consumer` on a `MemoryBroker`."""

    def __init__(self, broker: MemoryLogs, group: Group, member: str, *, from_start: bool) -> None:
        """Made by `MemoryBroker.consumer`."""
        super().__init__("consumer")
        self._broker = broker
        self._group = group
        self._member = member
        self._from_start = from_start
        self._wanted: Sequence[TopicPartition] = ()
        self._log_ids: dict[str, str | None] = {}
        self._rebalance: Rebalance | None = None
        self._position: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._failure: BaseException | None = None

    def subscribe(self, topics: Sequence[str], rebalance: Rebalance) -> None:
        """See `Consumer.subscribe`."""
        self._require_open()
        with self._broker.changed:
            self._wanted = self._broker.places(topics)
            self._log_ids = {topic: self._broker.log_id(topic) for topic in topics}
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
            self._require_same_topics()
            return list(itertools.islice(self._unread(), max_records))

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """See `Consumer.commit`."""
        self._require_open()
        with self._broker.changed:
            self._require_same_topics()
            for place in offsets:
                if not self._group.owns(self._member, place):
                    raise FencedError(f"{place} belongs to another member; rebuild from the committed offsets")
            self._group.committed.update(offsets)

    def committed(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """See `Consumer.committed`."""
        self._require_open()
        with self._broker.changed:
            stored = self._group.committed
            return {place: stored[place] for place in partitions if place in stored}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """See `Consumer.seek`."""
        self._require_open()
        with self._broker.changed:
            if partition not in self._position:
                raise TransportError(f"{partition} is not this consumer's: seek in partitions it was assigned")
            self._position[partition] = offset

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        """See `Consumer.pause`."""
        self._require_open()
        with self._broker.changed:
            self._paused |= self._position.keys() & partitions

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        """See `Consumer.resume`."""
        self._require_open()
        with self._broker.changed:
            self._paused -= set(partitions)

    def membership(self) -> Membership:
        """See `Consumer.membership`."""
        self._require_open()
        with self._broker.changed:
            self._require_same_topics()
            return Membership(self._group.group_id, self._group.generation, self._member, None)

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

    def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """See `Consumer.beginning_offsets`."""
        self._require_open()
        return dict.fromkeys(partitions, 0)

    def log_id(self, topic: str) -> str | None:
        """See `Consumer.log_id`."""
        self._require_open()
        with self._broker.changed:
            self._require_same_topics()
            found = self._broker.log_id(topic)
        if found is None:
            raise RetriableTransportError(f"topic {topic!r} is gone")
        return found

    def expel(self) -> None:
        """Lose the membership, as a worker does that was silent for too long."""
        with self._broker.changed:
            self._group.leave(self._member)
            self._broker.changed.notify_all()

    def _free(self) -> None:
        self.expel()

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

    def _require_same_topics(self) -> None:
        if anew := self._made_anew():
            raise FencedError(f"topics {anew} were deleted and made anew: start anew from what is committed")

    def _made_anew(self) -> list[str]:
        now = {topic: self._broker.log_id(topic) for topic in self._log_ids}
        return [topic for topic, found in now.items() if found not in {None, self._log_ids[topic]}]

    def _forget(self, places: Sequence[TopicPartition]) -> None:
        self._paused -= set(places)
        for place in places:
            self._position.pop(place, None)

    def _has_news(self) -> bool:
        if self._group.to_give_up(self._member) or self._group.to_take(self._member):
            return True
        return bool(self._made_anew()) or any(
            position < len(self._broker.log(place))
            for place, position in self._position.items()
            if place not in self._paused
        )

    def _unread(self) -> Iterator[Record]:
        if self._position:
            # Another partition comes first each time, so that none starves.
            first = next(iter(self._position))
            self._position[first] = self._position.pop(first)
        for place in [place for place in self._position if place not in self._paused]:
            for record in self._broker.log(place)[self._position[place] :]:
                self._position[place] += 1
                yield record
