"""Writing to Kafka in transactions: messages and a group's offsets, all of them or none."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress

from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.producer.future import FutureRecordMetadata
from kafka.util import Timer

from streamer.errors import RetriableTransportError
from streamer.events.record import Message, TopicPartition
from streamer.transport.base import Membership
from streamer.transport.deadline import Deadline
from streamer.transport.kafka_errors import translated
from streamer.transport.kafka_transaction_client import TransactionClient
from streamer.transport.kafka_writing import connect_producer, refusal, refused_before, send
from streamer.transport.transacting_producer import LOOK_AROUND_AFTER_S, TransactingProducer

_CLOSE_TIMEOUT_S = 3.0
_RENEW_TIMEOUT_S = 10.0
_ABORT_TIMEOUT_S = 2.0
# The broker refuses a transaction while it is still writing the end of the last one, a few
# milliseconds long; kafka-python's default would ask again only after 100.
_RETRY_BACKOFF_MS = 5


class KafkaTransactionalProducer(TransactingProducer[TransactionClient]):
    """A `TransactionalProducer` by kafka-python."""

    def _connect(self) -> TransactionClient:
        return connect_producer(
            TransactionClient,
            self._settings,
            transactional_id=self._transactional_id,
            transaction_timeout_ms=int(self._settings.transaction_timeout_s * 1_000),
            retry_backoff_ms=_RETRY_BACKOFF_MS,
            linger_ms=0,
        )

    def _begin(self, client: TransactionClient) -> None:
        with translated(f"beginning transactions as {self._transactional_id!r}"):
            answered = client.initialize().wait(_RENEW_TIMEOUT_S * 1_000)
        if not answered:
            raise RetriableTransportError(
                f"no answer from {self._settings.bootstrap_servers} within {_RENEW_TIMEOUT_S:g} s to "
                f"beginning transactions as {self._transactional_id!r}; trying again may help"
            )

    def _write(
        self,
        client: TransactionClient,
        messages: Sequence[Message],
        offsets: Mapping[TopicPartition, int],
        member: Membership | None,
        deadline: Deadline,
    ) -> None:
        topics = {message.topic for message in messages}
        if new := [topic for topic in topics if not client.knows(topic)]:
            self._require_topics(new, deadline)
        sent: list[tuple[str, FutureRecordMetadata]] = []
        with (
            refused_before(sent),
            translated(f"writing {len(messages)} messages in a transaction of {self._transactional_id!r}"),
        ):
            client.begin_transaction()
            for message in messages:
                sent.append((message.topic, send(client, message)))  # noqa: PERF401 (those before one that fails count)
            if member is not None:
                answer = client.add_offsets(offsets, member)
                self._await(answer.wait, topics, deadline)
            self._await(lambda timeout_ms: _all_acknowledged(sent, timeout_ms), topics, deadline)
            self._await(client.commit().wait, topics, deadline)

    def _await(self, answered: Callable[[float], bool], topics: Collection[str], deadline: Deadline) -> None:
        """Wait for an answer; if that takes long, see whether broker and topics are still there."""
        if answered(min(deadline.left_s, LOOK_AROUND_AFTER_S) * 1_000):
            return
        if not deadline.is_over:
            self._require_topics(topics, deadline)
        if not answered(deadline.left_s * 1_000):
            raise KafkaTimeoutError(f"no answer from {self._settings.bootstrap_servers} in time")

    def _abort(self, client: TransactionClient, deadline: Deadline) -> None:
        with suppress(KafkaError):
            client.abort().wait(min(deadline.left_s, _ABORT_TIMEOUT_S) * 1_000)

    def _abandon(self, client: TransactionClient) -> None:
        client.close(timeout=0.0)

    def _leave(self, client: TransactionClient) -> None:
        client.close(timeout=_CLOSE_TIMEOUT_S)


def _all_acknowledged(sent: Sequence[tuple[str, FutureRecordMetadata]], timeout_ms: float) -> bool:
    """Wait until every message is acknowledged or refused.

    Raises:
        TransportError: some were refused.
    """
    timer = Timer(timeout_ms)
    refused: list[tuple[str, KafkaError]] = []
    for topic, future in sent:
        try:
            future.get(timer.timeout_secs)
        except KafkaError as error:
            if not future.is_done:
                break
            refused.append((topic, error))
    if refused:
        raise refusal(refused)
    return all(future.is_done for _, future in sent)
