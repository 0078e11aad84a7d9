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
from streamer.transport.deadline import Deadline
from streamer.transport.kafka_admin import probe
from streamer.transport.transacting_producer import LEAST_PATIENCE_S, LOOK_AROUND_AFTER_S, TransactingProducer

_RENEW_TIMEOUT_S = 10.0
_ABORT_TIMEOUT_S = 2.0
# The broker refuses a transaction while it is still writing the end of the last one, a few
# milliseconds long; librdkafka's default would ask again only after 100.
_RETRY_BACKOFF_MS = 20
# librdkafka waits for the answer to a step for so long, whatever it is told.
_ANSWER_WITHIN_MS = 3_000

_Step = Callable[[float], None]


class ConfluentTransactionalProducer(TransactingProducer[WritingClient]):
    """A `TransactionalProducer` by librdkafka."""

    def __init__(
        self, settings: KafkaSettings, transactional_id: str, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Write under a name, which no other process may have."""
        super().__init__(settings, transactional_id, monotonic)
        self._known: set[str] = set()

    def _connect(self) -> WritingClient:
        # librdkafka would try until the time is up, and name causes in its log alone.
        probe(self._settings)
        transaction_ms = int(self._settings.transaction_timeout_s * 1_000)
        return WritingClient(
            self._settings,
            {
                "transactional.id": self._transactional_id,
                "transaction.timeout.ms": transaction_ms,
                "socket.timeout.ms": min(_ANSWER_WITHIN_MS, transaction_ms),
                "retry.backoff.ms": _RETRY_BACKOFF_MS,
                "linger.ms": 0,
            },
        )

    def _begin(self, client: WritingClient) -> None:
        with translated(f"beginning transactions as {self._transactional_id!r}"):
            client.steps.take(client.client.init_transactions, _RENEW_TIMEOUT_S)

    def _write(
        self,
        client: WritingClient,
        messages: Sequence[Message],
        offsets: Mapping[TopicPartition, int],
        member: Membership | None,
        deadline: Deadline,
    ) -> None:
        topics = {message.topic for message in messages}
        if new := topics - self._known:
            self._require_topics(new, deadline)
            self._known |= new
        inner = client.client
        try:
            with translated(f"writing {len(messages)} messages in a transaction of {self._transactional_id!r}"):
                inner.begin_transaction()
                for message in messages:
                    client.send(message)
                if member is not None:
                    stored = [confluent_kafka.TopicPartition(*place, offset) for place, offset in offsets.items()]
                    as_member = metadata_of(member)
                    self._await(
                        client.steps,
                        lambda wait_s: inner.send_offsets_to_transaction(stored, as_member, wait_s),
                        topics,
                        deadline,
                    )
                self._await(client.steps, inner.commit_transaction, topics, deadline)
        except FencedError:
            raise
        except TransportError as error:
            # What a step says only follows from the refusal of a message, if there was one.
            refusal = client.take_refusal()
            if refusal is None:
                raise
            if isinstance(refusal, RetriableTransportError):
                self._require_topics(topics, deadline)
            raise refusal from error

    def _await(self, steps: Steps, step: _Step, topics: Collection[str], deadline: Deadline) -> None:
        """Take a step; if that takes long, see whether broker and topics are still there."""
        while True:
            try:
                steps.take(step, max(LEAST_PATIENCE_S, min(deadline.left_s, LOOK_AROUND_AFTER_S)))
            except KafkaException as exception:
                is_slow = error_of(exception).code() == KafkaError._TIMED_OUT and not steps.stuck
                if not is_slow or deadline.is_over:
                    raise
                self._require_topics(topics, deadline)
            else:
                return

    def _abort(self, client: WritingClient, deadline: Deadline) -> None:
        patience_s = max(LEAST_PATIENCE_S, min(deadline.left_s, _ABORT_TIMEOUT_S))
        with suppress(KafkaException):
            client.steps.take(client.client.abort_transaction, patience_s)

    def _abandon(self, client: WritingClient) -> None:
        # What was true of topics before a failure need not be true after it.
        self._known.clear()
        client.abandon()

    def _leave(self, client: WritingClient) -> None:
        client.abandon()
