"""Writing to Kafka in transactions: messages and a group's offsets, all of them or none."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress

from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.producer.future import FutureRecordMetadata
from kafka.util import Timer

from streamer.errors import RetriableTransportError, TransportError
from streamer.events.record import Message, TopicPartition
from streamer.settings import KafkaSettings
from streamer.transport.base import Membership
from streamer.transport.kafka_admin import missing_topics
from streamer.transport.kafka_errors import missing_topics_error, translated
from streamer.transport.kafka_transaction_client import TransactionClient
from streamer.transport.kafka_writing import connect_producer, refusal, refused_before, send
from streamer.transport.member import require_member
from streamer.transport.message_size import require_sendable

_CLOSE_TIMEOUT_S = 3.0
_RENEW_TIMEOUT_MS = 10_000
_ABORT_TIMEOUT_MS = 2_000
# The broker refuses a transaction while it is still writing the end of the last one, a few
# milliseconds long; kafka-python's default would ask again only after 100.
_RETRY_BACKOFF_MS = 5
_LOOK_AROUND_AFTER_MS = 2_000
_LEAST_PATIENCE_S = 0.1


class KafkaTransactionalProducer:
    """A `TransactionalProducer`; to be begun by `renew`, which connects.

    A client of kafka-python lives as long as all goes well: after any failure nobody knows what
    it holds, so it is given up, and `renew` makes another.
    """

    def __init__(self, settings: KafkaSettings, transactional_id: str) -> None:
        """Write under a name, which no other process may have."""
        self._settings = settings
        self._transactional_id = transactional_id
        self._client: TransactionClient | None = None
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
        client, self._client = self._client, None
        if client is None:
            raise TransportError("the producer has no transactions yet, or the last one failed: call renew first")
        if messages or offsets:
            # Longer than this, the broker would end the transaction, and that looks like being fenced.
            timer = Timer(min(timeout_s, self._settings.transaction_timeout_s) * 1_000)
            try:
                self._transact(client, messages, offsets, member, timer)
            except BaseException as error:
                _give_up(client, error, timer)
                raise
        self._client = client

    def renew(self) -> None:
        """See `TransactionalProducer.renew`."""
        self._require_open()
        self._drop(timeout_s=0.0)
        client = connect_producer(
            TransactionClient,
            self._settings,
            transactional_id=self._transactional_id,
            transaction_timeout_ms=int(self._settings.transaction_timeout_s * 1_000),
            retry_backoff_ms=_RETRY_BACKOFF_MS,
            linger_ms=0,
        )
        try:
            with translated(f"beginning transactions as {self._transactional_id!r}"):
                answered = client.initialize().wait(_RENEW_TIMEOUT_MS)
        except BaseException:
            client.close(timeout=0.0)
            raise
        if not answered:
            client.close(timeout=0.0)
            raise RetriableTransportError(
                f"no answer from {self._settings.bootstrap_servers} within {_RENEW_TIMEOUT_MS / 1_000:g} s to "
                f"beginning transactions as {self._transactional_id!r}; trying again may help"
            )
        self._client = client

    def close(self) -> None:
        """See `TransactionalProducer.close`."""
        if not self._closed:
            self._closed = True
            self._drop(timeout_s=_CLOSE_TIMEOUT_S)

    def _transact(
        self,
        client: TransactionClient,
        messages: Sequence[Message],
        offsets: Mapping[TopicPartition, int],
        member: Membership | None,
        timer: Timer,
    ) -> None:
        topics = sorted({message.topic for message in messages})
        if new := [topic for topic in topics if not client.knows(topic)]:
            self._require_topics(new, timer)
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
                self._await(answer.wait, topics, timer)
            self._await(lambda timeout_ms: _all_acknowledged(sent, timeout_ms), topics, timer)
            self._await(client.commit().wait, topics, timer)

    def _await(self, answered: Callable[[float], bool], topics: Collection[str], timer: Timer) -> None:
        """Wait for an answer; if that takes long, see whether broker and topics are still there."""
        if answered(min(timer.timeout_ms, _LOOK_AROUND_AFTER_MS)):
            return
        if not timer.expired:
            self._require_topics(topics, timer)
        if not answered(timer.timeout_ms):
            raise KafkaTimeoutError(f"no answer from {self._settings.bootstrap_servers} in time")

    def _require_topics(self, topics: Collection[str], timer: Timer) -> None:
        # kafka-python would ask for a missing topic without pause until its time is up.
        patience_s = min(self._settings.bootstrap_timeout_s, max(timer.timeout_secs, _LEAST_PATIENCE_S))
        missing = missing_topics(self._settings.model_copy(update={"bootstrap_timeout_s": patience_s}), topics)
        if missing:
            raise RetriableTransportError(str(missing_topics_error(missing, self._settings)))

    def _drop(self, timeout_s: float) -> None:
        if self._client is not None:
            self._client.close(timeout=timeout_s)
            self._client = None

    def _require_open(self) -> None:
        if self._closed:
            raise TransportError("the producer is closed: make a new one")


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


def _give_up(client: TransactionClient, error: BaseException, timer: Timer) -> None:
    """End the transaction if the broker answers, as else readers would wait for its timeout."""
    if not isinstance(error, RetriableTransportError):
        with suppress(KafkaError):
            client.abort().wait(min(timer.timeout_ms, _ABORT_TIMEOUT_MS))
    client.close(timeout=0.0)
