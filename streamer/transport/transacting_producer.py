"""What transactional producers to Kafka do alike, by whichever client library they write."""

import time
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Generic, TypeVar

from streamer.errors import RetriableTransportError, TransportError
from streamer.events.record import Message, TopicPartition
from streamer.settings import KafkaSettings
from streamer.transport.base import Membership
from streamer.transport.closed_once import ClosedOnce
from streamer.transport.deadline import Deadline
from streamer.transport.kafka_admin import missing_topics
from streamer.transport.kafka_errors import missing_topics_error
from streamer.transport.member import require_member
from streamer.transport.message_size import require_sendable

LEAST_PATIENCE_S = 0.1
LOOK_AROUND_AFTER_S = 2.0
"""Whoever waits longer for an answer asks whether broker and topics are still there."""

_Client = TypeVar("_Client")


class TransactingProducer(ClosedOnce, Generic[_Client]):
    """The part of a `TransactionalProducer` that is the same by either client library.

    A client lives as long as all goes well: after any failure nobody knows what it holds, so it is
    given up, and `renew` makes another.
    """

    def __init__(
        self, settings: KafkaSettings, transactional_id: str, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Write under a name, which no other process may have; to be begun by `renew`, which connects."""
        super().__init__("producer")
        self._settings = settings
        self._transactional_id = transactional_id
        self._monotonic = monotonic
        self._client: _Client | None = None

    @property
    def max_message_bytes(self) -> int:
        """See `TransactionalProducer.max_message_bytes`."""
        return self._settings.max_message_bytes

    def transact(
        self,
        messages: Sequence[Message],
        offsets: Mapping[TopicPartition, int],
        membership: Membership | None,
        *,
        timeout_s: float,
    ) -> None:
        """See `TransactionalProducer.transact`."""
        self._require_open()
        for message in messages:
            require_sendable(message, self.max_message_bytes)
        member = require_member(membership) if offsets else None
        client, self._client = self._client, None
        if client is None:
            raise TransportError("the producer has no transactions yet, or the last one failed: call renew first")
        if messages or offsets:
            # Longer than this, the broker would end the transaction, and that looks like being fenced.
            deadline = Deadline.after(min(timeout_s, self._settings.transaction_timeout_s), self._monotonic)
            try:
                self._write(client, messages, offsets, member, deadline)
            except BaseException as error:
                # If the broker answers, the transaction is ended, as else readers would wait for its timeout.
                if not isinstance(error, RetriableTransportError):
                    self._abort(client, deadline)
                self._abandon(client)
                raise
        self._client = client

    def renew(self) -> None:
        """See `TransactionalProducer.renew`."""
        self._require_open()
        if self._client is not None:
            self._abandon(self._client)
            self._client = None
        client = self._connect()
        try:
            self._begin(client)
        except BaseException:
            self._abandon(client)
            raise
        self._client = client

    def _free(self) -> None:
        if self._client is not None:
            self._leave(self._client)
            self._client = None

    @abstractmethod
    def _connect(self) -> _Client:
        """Make a client."""

    @abstractmethod
    def _begin(self, client: _Client) -> None:
        """End what is open under the name, and fence whoever used it."""

    @abstractmethod
    def _write(
        self,
        client: _Client,
        messages: Sequence[Message],
        offsets: Mapping[TopicPartition, int],
        member: Membership | None,
        deadline: Deadline,
    ) -> None:
        """Write everything in one transaction; offsets only with a member."""

    @abstractmethod
    def _abort(self, client: _Client, deadline: Deadline) -> None:
        """End a transaction, leaving nothing, if that can be done."""

    @abstractmethod
    def _abandon(self, client: _Client) -> None:
        """Close a client at once, whatever it holds."""

    @abstractmethod
    def _leave(self, client: _Client) -> None:
        """Close a client that has nothing open."""

    def _require_topics(self, topics: Collection[str], deadline: Deadline) -> None:
        """See whether the brokers and these topics are there; the clients themselves would ask until time is up.

        Raises:
            RetriableTransportError: one is missing; names it.
            TransportError: the brokers cannot be used; names cause and remedy.
        """
        patience_s = min(self._settings.bootstrap_timeout_s, max(deadline.left_s, LEAST_PATIENCE_S))
        settings = self._settings.model_copy(update={"bootstrap_timeout_s": patience_s})
        if missing := missing_topics(settings, sorted(topics)):
            raise RetriableTransportError(str(missing_topics_error(missing, self._settings)))
