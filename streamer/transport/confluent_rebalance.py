"""A consumer's share of partitions: where each is read on from, and who is told when the share changes."""

import time
from collections.abc import Callable, Mapping, Sequence

import confluent_kafka

from streamer.errors import FencedError, RetriableTransportError
from streamer.events.record import TopicPartition
from streamer.transport.base import Rebalance

_PLACED_WITHIN_S = 60.0

Starts = Callable[[Sequence[TopicPartition]], Mapping[TopicPartition, int]]


class Share:
    """Calls a `Rebalance` on the polling thread, and begins to read only when it has returned.

    Attributes:
        positions: for each partition held, the offset from which it is read on; those that were
            just assigned come in when the callback seeks, or after it.
        paused: those of them that are not to be read.
        taking: partitions whose assignment is being told.
    """

    def __init__(self, rebalance: Rebalance, starts: Starts, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Hold nothing.

        Args:
            rebalance: whom to tell.
            starts: where the group goes on in partitions, or begins; raises RetriableTransportError.
            monotonic: gives times in seconds.
        """
        self.positions: dict[TopicPartition, int] = {}
        self.paused: set[TopicPartition] = set()
        self.taking: frozenset[TopicPartition] = frozenset()
        self._rebalance = rebalance
        self._starts = starts
        self._monotonic = monotonic
        self._silent = False
        self._failure: BaseException | None = None

    @property
    def held(self) -> frozenset[TopicPartition]:
        """All partitions held, those that are just being taken included."""
        return self.taking.union(self.positions)

    def silence(self) -> None:
        """Call nothing any more."""
        self._silent = True

    def raise_failure(self) -> None:
        """Raise what a callback raised, from now on for ever: its partitions are in no known state."""
        if self._failure is not None:
            raise self._failure

    def place(self, partitions: Sequence[TopicPartition]) -> None:
        """Give a position to those held partitions that have none.

        Raises:
            RetriableTransportError: the broker did not answer.
        """
        missing = [each for each in partitions if each in self.taking and each not in self.positions]
        if missing:
            self.positions.update(self._starts(missing))

    def assigned(self, consumer: confluent_kafka.Consumer, partitions: list[confluent_kafka.TopicPartition]) -> None:
        """Called by librdkafka, during a poll."""
        ours = sorted(map(_ours, partitions))
        self.taking = frozenset(ours)
        try:
            self._tell(self._rebalance.assigned, ours)
            self._attempt(lambda: self._begin(consumer, ours))
        finally:
            self.taking = frozenset()

    def revoked(self, _: confluent_kafka.Consumer, partitions: list[confluent_kafka.TopicPartition]) -> None:
        """Called by librdkafka, during a poll."""
        self._end(self._rebalance.revoked, partitions)

    def lost(self, _: confluent_kafka.Consumer, partitions: list[confluent_kafka.TopicPartition]) -> None:
        """Called by librdkafka, during a poll."""
        self._end(self._rebalance.lost, partitions)

    def _begin(self, consumer: confluent_kafka.Consumer, ours: Sequence[TopicPartition]) -> None:
        deadline = self._monotonic() + _PLACED_WITHIN_S
        while True:
            try:
                self.place(ours)
                break
            except RetriableTransportError as error:
                if self._monotonic() > deadline:
                    raise FencedError(f"partitions could not be taken over: {error}") from error
        consumer.incremental_assign([confluent_kafka.TopicPartition(*each, self.positions[each]) for each in ours])
        # librdkafka remembers what was paused when it was held before.
        for change, concerned in ((consumer.pause, self.paused), (consumer.resume, {*ours} - self.paused)):
            change([confluent_kafka.TopicPartition(*each) for each in concerned.intersection(ours)])

    def _end(
        self,
        callback: Callable[[Sequence[TopicPartition]], None],
        partitions: Sequence[confluent_kafka.TopicPartition],
    ) -> None:
        # librdkafka lets go of them by itself when this returns.
        ours = sorted(map(_ours, partitions))
        self._tell(callback, ours)
        for each in ours:
            self.positions.pop(each, None)
            self.paused.discard(each)

    def _tell(self, callback: Callable[[Sequence[TopicPartition]], None], ours: Sequence[TopicPartition]) -> None:
        if ours:
            self._attempt(lambda: callback(ours))

    def _attempt(self, step: Callable[[], None]) -> None:
        if self._silent or self._failure is not None:
            return
        try:
            step()
        except BaseException as error:  # noqa: BLE001 (raised again by poll)
            self._failure = error


def _ours(place: confluent_kafka.TopicPartition) -> TopicPartition:
    return TopicPartition(place.topic, place.partition)
