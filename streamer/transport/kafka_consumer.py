"""Reading from Kafka: raw bytes, cooperative rebalancing, no hidden commits."""

from collections.abc import Mapping, Sequence

import kafka
from kafka.consumer.fetcher import ConsumerRecord
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from streamer.errors import TransportError
from streamer.events.record import Headers, Record, TopicPartition
from streamer.settings import KafkaSettings
from streamer.transport.base import Rebalance
from streamer.transport.kafka_client import connect
from streamer.transport.kafka_errors import missing_topics_error, translate
from streamer.transport.kafka_rebalance import RebalanceRelay

_ANSWER_TIMEOUT_MS = 5_000
_CLOSE_TIMEOUT_MS = 3_000
# Members learn of a rebalance by heartbeat; a second apart, sharing anew takes about two.
_HEARTBEAT_MS = 1_000


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

    def positions(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """See `Consumer.positions`."""
        self._require_open()
        owned = self._consumer.assignment()
        try:
            return {
                place: self._consumer.position(asked, timeout_ms=_ANSWER_TIMEOUT_MS)
                for place in partitions
                if (asked := kafka.TopicPartition(*place)) in owned
            }
        except KafkaError as error:
            raise translate(error, "asking for positions") from error

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


def _headers(record: ConsumerRecord) -> Headers:
    # Kafka knows headers without a value; a reader of ours sees them as empty.
    return tuple((name, value or b"") for name, value in record.headers) if record.headers else ()
