"""Writing to Kafka in transactions by librdkafka: messages and a group's offsets, all of them or none."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException

from streamer.errors import FencedError, RetriableTransportError, TransportError
from streamer.events.record import Message, TopicPartition
from streamer.settings import KafkaSettings
from streamer.transport.base import Membership
from streamer.transport.confluent_errors import error_of, translated
from streamer.transport.confluent_membership import metadata_of
from streamer.transport.confluent_steps import Steps
from streamer.transport.confluent_writing import WritingClient
from streamer.transport.kafka_admin import missing_topics, probe
from streamer.transport.kafka_errors import missing_topics_error
from streamer.transport.member import require_member
from streamer.transport.message_size import require_sendable

_RENEW_TIMEOUT_S = 10.0
_ABORT_TIMEOUT_S = 2.0
# The broker refuses a transaction while it is still writing the end of the last one, a few
# milliseconds long; librdkafka's default would ask again only after 100.
_RETRY_BACKOFF_MS = 20
# librdkafka waits for the answer to a step for so long, whatever it is told.
_ANSWER_WITHIN_MS = 3_000
_LOOK_AROUND_AFTER_S = 2.0
_LEAST_PATIENCE_S = 0.1

_Step = Callable[[float], None]


class ConfluentTransactionalProducer:
    """A `TransactionalProducer`; to be begun by `renew`, which connects.

    A client lives as long as all goes well: after any failure nobody knows what it holds, so it is
    given up, and `renew` makes another.
    """

    def __init__(
        self, settings: KafkaSettings, transactional_id: str, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Write under a name, which no other process may have."""
        self._settings = settings
        self._transactional_id = transactional_id
        self._monotonic = monotonic
        self._writing: WritingClient | None = None
        self._known: set[str] = set()
        self._closed = False

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
        writing, self._writing = self._writing, None
        if writing is None:
            raise TransportError("the producer has no transactions yet, or the last one failed: call renew first")
        if messages or offsets:
            # Longer than this, the broker would end the transaction, and that looks like being fenced.
            deadline = self._monotonic() + min(timeout_s, self._settings.transaction_timeout_s)
            try:
                self._transact(writing, messages, offsets, member, deadline)
            except BaseException as error:
                self._known.clear()
                _give_up(writing, error)
                raise
        self._writing = writing

    def renew(self) -> None:
        """See `TransactionalProducer.renew`."""
        self._require_open()
        self._drop()
        # librdkafka would try until the time is up, and name causes in its log alone.
        probe(self._settings)
        transaction_ms = int(self._settings.transaction_timeout_s * 1_000)
        writing = WritingClient(
            self._settings,
            {
                "transactional.id": self._transactional_id,
                "transaction.timeout.ms": transaction_ms,
                "socket.timeout.ms": min(_ANSWER_WITHIN_MS, transaction_ms),
                "retry.backoff.ms": _RETRY_BACKOFF_MS,
                "linger.ms": 0,
            },
        )
        try:
            with translated(f"beginning transactions as {self._transactional_id!r}"):
                writing.steps.take(writing.client.init_transactions, _RENEW_TIMEOUT_S)
        except BaseException:
            writing.abandon()
            raise
        self._writing = writing

    def close(self) -> None:
        """See `TransactionalProducer.close`."""
        if not self._closed:
            self._closed = True
            self._drop()

    def _transact(
        self,
        writing: WritingClient,
        messages: Sequence[Message],
        offsets: Mapping[TopicPartition, int],
        member: Membership | None,
        deadline: float,
    ) -> None:
        topics = {message.topic for message in messages}
        self._require_topics(topics - self._known, deadline)
        self._known |= topics
        client = writing.client
        try:
            with translated(f"writing {len(messages)} messages in a transaction of {self._transactional_id!r}"):
                client.begin_transaction()
                for message in messages:
                    writing.send(message)
                if member is not None:
                    stored = [confluent_kafka.TopicPartition(*place, offset) for place, offset in offsets.items()]
                    as_member = metadata_of(member)
                    self._await(
                        writing.steps,
                        lambda wait_s: client.send_offsets_to_transaction(stored, as_member, wait_s),
                        topics,
                        deadline,
                    )
                self._await(writing.steps, client.commit_transaction, topics, deadline)
        except FencedError:
            raise
        except TransportError as error:
            # What a step says only follows from the refusal of a message, if there was one.
            refusal = writing.take_refusal()
            if refusal is None:
                raise
            if isinstance(refusal, RetriableTransportError):
                self._require_topics(topics, deadline)
            raise refusal from error

    def _await(self, steps: Steps, step: _Step, topics: Collection[str], deadline: float) -> None:
        """Take a step; if that takes long, see whether broker and topics are still there."""
        while True:
            left_s = deadline - self._monotonic()
            try:
                steps.take(step, max(_LEAST_PATIENCE_S, min(left_s, _LOOK_AROUND_AFTER_S)))
            except KafkaException as exception:
                is_slow = error_of(exception).code() == KafkaError._TIMED_OUT and not steps.stuck
                if not is_slow or self._monotonic() >= deadline:
                    raise
                self._require_topics(topics, deadline)
            else:
                return

    def _require_topics(self, topics: Collection[str], deadline: float) -> None:
        if not topics:
            return
        patience_s = min(self._settings.bootstrap_timeout_s, max(deadline - self._monotonic(), _LEAST_PATIENCE_S))
        settings = self._settings.model_copy(update={"bootstrap_timeout_s": patience_s})
        if missing := missing_topics(settings, sorted(topics)):
            raise RetriableTransportError(str(missing_topics_error(missing, self._settings)))

    def _drop(self) -> None:
        if self._writing is not None:
            self._writing.abandon()
            self._writing = None

    def _require_open(self) -> None:
        if self._closed:
            raise TransportError("the producer is closed: make a new one")


def _give_up(writing: WritingClient, error: BaseException) -> None:
    """End the transaction if the broker answers, as else readers would wait for its timeout."""
    if not isinstance(error, RetriableTransportError):
        with suppress(KafkaException):
            writing.steps.take(writing.client.abort_transaction, _ABORT_TIMEOUT_S)
    writing.abandon()
