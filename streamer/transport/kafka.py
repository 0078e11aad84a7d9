"""The transport over a Kafka cluster, by kafka-python: raw bytes, no hidden commits."""

from collections.abc import Mapping, Sequence
from functools import partial

import kafka
from kafka.consumer.fetcher import ConsumerRecord
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.structs import OffsetAndMetadata

from streamer.errors import RetriableTransportError, TransportError
from streamer.events.record import Headers, Message, Record, TopicPartition
from streamer.settings import KafkaSettings
from streamer.transport.base import Rebalance
from streamer.transport.kafka_admin import missing_topics
from streamer.transport.kafka_client import connect
from streamer.transport.kafka_errors import missing_topics_error, translate
from streamer.transport.kafka_rebalance import RebalanceRelay
from streamer.transport.message_size import require_sendable

_ANSWER_TIMEOUT_MS = 5_000
_CLOSE_TIMEOUT_MS = 3_000
# Members learn of a rebalance by heartbeat; a second apart, sharing anew takes about two.
_HEARTBEAT_MS = 1_000
_LINGER_MS = 2
_BATCH_BYTES = 65_536
_REQUEST_BYTES = 1_048_576
_RECORD_OVERHEAD_BYTES = 1_024


class KafkaConsumer:
    """A `Consumer` in a consumer group, with cooperative rebalancing and explicit commits.

    While the brokers are away, `poll` returns nothing and the client reconnects by itself.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        """Connect.

        Raises:
            TransportError: the connection failed; names cause and remedy.
        """
        self._settings = settings
        session_ms = int(settings.session_timeout_s * 1_000)
        self._consumer, self._loop = connect(
            kafka.KafkaConsumer,
            settings,
            group_id=settings.group_id,
            auto_offset_reset=settings.auto_offset_reset,
            enable_auto_commit=False,
            isolation_level="read_committed",
            allow_auto_create_topics=False,
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=min(_HEARTBEAT_MS, session_ms // 3),
            max_poll_interval_ms=int(settings.max_poll_interval_s * 1_000),
            fetch_max_wait_ms=settings.fetch_max_wait_ms,
            partition_assignment_strategy=(CooperativeStickyAssignor,),
            metrics_enabled=False,
        )
        self._relay: RebalanceRelay | None = None
        self._closed = False

    def subscribe(self, topics: Sequence[str], rebalance: Rebalance) -> None:
        """See `Consumer.subscribe`."""
        self._require_open()
        try:
            missing = [topic for topic in topics if not self._consumer.partitions_for_topic(topic)]
        except KafkaError as error:
            raise translate(error, f"looking for topics {list(topics)}") from error
        if missing:
            raise missing_topics_error(missing, self._settings)
        self._relay = RebalanceRelay(rebalance, self._loop)
        self._consumer.subscribe(topics=list(topics), listener=self._relay)

    def poll(self, *, timeout_s: float, max_records: int) -> list[Record]:
        """See `Consumer.poll`."""
        self._require_open()
        relay = self._relay
        if relay is None:
            raise TransportError("poll before subscribe: subscribe to topics first")
        relay.raise_failure()
        try:
            batches = self._consumer.poll(timeout_ms=int(timeout_s * 1_000), max_records=max_records)
        except KafkaError as error:
            relay.raise_failure()
            raise translate(error, f"reading as group {self._settings.group_id!r}") from error
        finally:
            relay.settle()
        relay.raise_failure()
        return [
            Record(place.topic, place.partition, found.offset, found.key, found.value, _headers(found), found.timestamp)
            for place, records in batches.items()
            for found in records
        ]

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """See `Consumer.commit`."""
        self._require_open()
        stored = {kafka.TopicPartition(*place): OffsetAndMetadata(offset, "", -1) for place, offset in offsets.items()}
        try:
            self._consumer.commit(stored, timeout_ms=_ANSWER_TIMEOUT_MS)
        except KafkaError as error:
            raise translate(error, f"committing offsets of group {self._settings.group_id!r}") from error

    def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """See `Consumer.end_offsets`."""
        self._require_open()
        asked = [kafka.TopicPartition(*place) for place in partitions]
        try:
            found = self._consumer.end_offsets(asked, timeout_ms=_ANSWER_TIMEOUT_MS)
        except KafkaError as error:
            raise translate(error, "asking for end offsets") from error
        return {TopicPartition(place.topic, place.partition): offset for place, offset in found.items()}

    def close(self) -> None:
        """See `Consumer.close`."""
        if self._closed:
            return
        self._closed = True
        if self._relay is not None:
            self._relay.silence()
        try:
            self._consumer.close(autocommit=False, timeout_ms=_CLOSE_TIMEOUT_MS)
        except KafkaError:
            pass  # the broker is away, so that leaving the group is left to the session's timeout
        finally:
            self._loop.close()

    def _require_open(self) -> None:
        if self._closed:
            raise TransportError("the consumer is closed: make a new one")


class KafkaProducer:
    """A `Producer` whose writes are idempotent and acknowledged by all replicas in sync."""

    def __init__(self, settings: KafkaSettings) -> None:
        """Connect.

        Raises:
            TransportError: the connection failed; names cause and remedy.
        """
        self._settings = settings
        self._producer, _ = connect(
            _AbandoningProducer,
            settings,
            acks="all",
            enable_idempotence=True,
            allow_auto_create_topics=False,
            linger_ms=_LINGER_MS,
            batch_size=_BATCH_BYTES,
            max_request_size=max(_REQUEST_BYTES, settings.max_message_bytes + _RECORD_OVERHEAD_BYTES),
            max_block_ms=_ANSWER_TIMEOUT_MS,
            metrics_enabled=False,
        )
        self._known: set[str] = set()
        self._refused: list[tuple[str, KafkaError]] = []
        self._closed = False

    @property
    def max_message_bytes(self) -> int:
        """See `Producer.max_message_bytes`."""
        return self._settings.max_message_bytes

    def send(self, message: Message) -> None:
        """See `Producer.send`."""
        self._require_open()
        require_sendable(message, self.max_message_bytes)
        self._require_topic(message.topic)
        try:
            future = self._producer.send(
                message.topic,
                key=message.key,
                value=message.value,
                headers=list(message.headers),
                timestamp_ms=message.timestamp,
            )
        except KafkaError as error:
            raise translate(error, f"writing to topic {message.topic!r}") from error
        future.add_errback(partial(self._note, message.topic))

    def flush(self, *, timeout_s: float) -> None:
        """See `Producer.flush`."""
        self._require_open()
        try:
            self._producer.flush(timeout_s)
        except KafkaTimeoutError as error:
            raise RetriableTransportError(
                f"not all messages were acknowledged within {timeout_s:g} s by {self._settings.bootstrap_servers}: "
                "is the broker there?"
            ) from error
        refused, self._refused = self._refused, []
        if refused:
            # Those that were refused for another's fault in their batch say only that.
            topic, cause = min(refused, key=lambda pair: type(pair[1]) is KafkaError)
            others = f" and {len(refused) - 1} more" if len(refused) > 1 else ""
            raise translate(cause, f"writing to topic {topic!r}{others}") from cause

    def close(self) -> None:
        """See `Producer.close`."""
        if not self._closed:
            self._closed = True
            self._producer.close(timeout=_CLOSE_TIMEOUT_MS / 1_000)

    def _require_topic(self, topic: str) -> None:
        # kafka-python would ask for a missing topic without pause until its time is up.
        if topic not in self._known:
            if missing_topics(self._settings, [topic]):
                raise missing_topics_error([topic], self._settings)
            self._known.add(topic)

    def _note(self, topic: str, error: KafkaError) -> None:
        self._refused.append((topic, error))

    def _require_open(self) -> None:
        if self._closed:
            raise TransportError("the producer is closed: make a new one")


class _AbandoningProducer(kafka.KafkaProducer):  # type: ignore[misc]  # kafka-python ships no types
    """Can be closed while its brokers are away: kafka-python's own close would raise and stay open."""

    def close(self, timeout: float | None = None, *, null_logger: bool = False) -> None:
        self._closing = True
        super().close(timeout=timeout, null_logger=null_logger)

    def flush(self, timeout: float | None = None) -> None:
        if not getattr(self, "_closing", False):
            super().flush(timeout)


def _headers(record: ConsumerRecord) -> Headers:
    # Kafka knows headers without a value; a reader of ours sees them as empty.
    return tuple((name, value or b"") for name, value in record.headers) if record.headers else ()
