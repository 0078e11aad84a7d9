"""Writing to the broker within the process: plainly, and in transactions."""

from collections.abc import Mapping, Sequence

from streamer.errors import FencedError, RetriableTransportError, TransportError
from streamer.events.record import Message, TopicPartition
from streamer.transport.base import Membership
from streamer.transport.closed_once import ClosedOnce
from streamer.transport.memory_logs import MemoryLogs
from streamer.transport.message_size import require_sendable

_LARGEST_MESSAGE_BYTES = 1_000_000


class MemoryProducer(ClosedOnce):
    """A `Producer` on a `MemoryBroker`; messages are nowhere before `flush`."""

    def __init__(self, broker: MemoryLogs, max_message_bytes: int = _LARGEST_MESSAGE_BYTES) -> None:
        """Write to a broker."""
        super().__init__("producer")
        self._broker = broker
        self._limit = max_message_bytes
        self._queued: list[Message] = []

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

    def _free(self) -> None:
        """Nothing is held."""


class MemoryTransactionalProducer(ClosedOnce):
    """A `TransactionalProducer` on a `MemoryBroker`; to be begun by `renew`."""

    def __init__(
        self, broker: MemoryLogs, transactional_id: str, *, max_message_bytes: int = _LARGEST_MESSAGE_BYTES
    ) -> None:
        """Write to a broker under a name."""
        super().__init__("producer")
        self._broker = broker
        self._transactional_id = transactional_id
        self._limit = max_message_bytes
        self._epoch: int | None = None

    @property
    def max_message_bytes(self) -> int:
        """See `TransactionalProducer.max_message_bytes`."""
        return self._limit

    def transact(
        self,
        messages: Sequence[Message],
        offsets: Mapping[TopicPartition, int],
        membership: Membership | None,
        *,
        timeout_s: float,  # noqa: ARG002 (nothing takes time here)
    ) -> None:
        """See `TransactionalProducer.transact`."""
        self._require_open()
        epoch, self._epoch = self._epoch, None
        if epoch is None:
            raise TransportError("the producer has no transactions yet, or the last one failed: call renew first")
        with self._broker.changed:
            if not self._broker.writes_as(self._transactional_id, epoch):
                raise FencedError(f"another process writes as {self._transactional_id!r} by now")
            for message in messages:
                require_sendable(message, self._limit)
                self._require_topic(message.topic)
            if offsets:
                self._require_member(offsets, membership)
            fault = self._broker.fail_transactions()
            if fault != "lost":
                self._broker.append(messages)
                if membership is not None:
                    self._broker.group(membership.group_id).committed.update(offsets)
            if fault is not None:
                raise RetriableTransportError(f"the transaction of {self._transactional_id!r} was not answered")
        self._epoch = epoch

    def renew(self) -> None:
        """See `TransactionalProducer.renew`."""
        self._require_open()
        self._epoch = self._broker.take_over(self._transactional_id)

    def _free(self) -> None:
        """Nothing is held."""

    def _require_topic(self, topic: str) -> None:
        try:
            self._broker.places([topic])
        except TransportError as error:
            raise RetriableTransportError(str(error)) from error

    def _require_member(self, offsets: Mapping[TopicPartition, int], membership: Membership | None) -> None:
        if membership is None:
            raise TransportError("offsets need the membership of the consumer that read up to them")
        group = self._broker.group(membership.group_id)
        for place in offsets:
            if not group.owned_since(membership.member_id, place, membership.generation):
                raise FencedError(f"{place} belongs to another member; rebuild from the committed offsets")
