"""Reading from Kafka: raw bytes, cooperative rebalancing, no hidden commits."""

from collections.abc import Mapping, Sequence

import kafka
from kafka.consumer.fetcher import ConsumerRecord
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import KafkaError, NoOffsetForPartitionError
from kafka.structs import OffsetAndMetadata

from streamer.errors import RetriableTransportError, TransportError
from streamer.events.record import Record, TopicPartition, headers_of
from streamer.settings import KafkaSettings
from streamer.transport.base import Membership, Rebalance
from streamer.transport.group_consumer import GroupConsumer
from streamer.transport.kafka_admin import require_topics
from streamer.transport.kafka_client import connect
from streamer.transport.kafka_errors import translate, translated
from streamer.transport.kafka_rebalance import RebalanceRelay
from streamer.transport.kafka_topic_identity import TopicIdentity

_ANSWER_TIMEOUT_MS = 5_000
_CLOSE_TIMEOUT_MS = 3_000
# Members learn of a rebalance by heartbeat; a second apart, sharing anew takes about two.
_HEARTBEAT_MS = 1_000


class KafkaConsumer(GroupConsumer[TopicIdentity, RebalanceRelay]):
    """A `Consumer` in a consumer group, with cooperative rebalancing and explicit commits.

    While the brokers are away, `poll` returns nothing and the client reconnects by itself.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        """Connect.

        Raises:
            TransportError: the connection failed; names cause and remedy.
        """
        session_ms = int(settings.session_timeout_s * 1_000)
        self._consumer, self._loop = connect(
            kafka.KafkaConsumer,
            settings,
            group_id=settings.group_id,
            group_instance_id=settings.group_instance_id,
            # Else a position whose records were deleted would be moved, and nobody be told.
            auto_offset_reset="none",
            enable_auto_commit=False,
            isolation_level="read_committed",
            allow_auto_create_topics=False,
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=min(_HEARTBEAT_MS, session_ms // 3),
            max_poll_interval_ms=int(settings.max_poll_interval_s * 1_000),
            fetch_max_wait_ms=settings.fetch_max_wait_ms,
            metadata_max_age_ms=int(settings.metadata_max_age_s * 1_000),
            partition_assignment_strategy=(CooperativeStickyAssignor,),
            metrics_enabled=False,
        )
        super().__init__(settings, TopicIdentity(self._consumer._cluster))  # noqa: SLF001 (told nowhere else)

    def subscribe(self, topics: Sequence[str], rebalance: Rebalance) -> None:
        """See `Consumer.subscribe`."""
        self._require_open()
        # Asked by this consumer, kafka-python would wait without end for a broker that went away.
        require_topics(self._settings, topics)
        with translated(f"looking for topics {list(topics)}"):
            # Who shares out partitions before it knows the topics, shares out none.
            missing = [topic for topic in topics if not self._consumer.partitions_for_topic(topic)]
        if missing:
            raise RetriableTransportError(f"nothing is known yet of topics {missing}; trying again may help")
        # From here on what is asked of them is of these, or `log_id` says that it is not.
        self._topics.require_same(topics, has_records=False)
        self._listener = RebalanceRelay(rebalance, self._loop, lambda: self._consumer.group_metadata().member_id)
        self._consumer.subscribe(topics=list(topics), listener=self._listener)

    def poll(self, *, timeout_s: float, max_records: int) -> list[Record]:
        """See `Consumer.poll`."""
        relay = self._require_listener()
        self._unpark()
        self._go_on_joining()
        batches: dict[kafka.TopicPartition, list[ConsumerRecord]] = {}
        try:
            batches = self._consumer.poll(timeout_ms=int(timeout_s * 1_000), max_records=max_records)
        except NoOffsetForPartitionError as error:
            relay.settle()
            self._begin_reading(error)
        except KafkaError as error:
            relay.raise_failure()
            raise translate(error, f"reading as group {self._settings.group_id!r}") from error
        finally:
            relay.settle()
        relay.raise_failure()
        subscribed = self._consumer.subscription() or ()
        self._topics.require_same(subscribed, has_records=bool(batches), waited_s=timeout_s)
        records: list[Record] = []
        for (topic, partition), found in batches.items():
            records += [
                Record(
                    topic,
                    partition,
                    each.offset,
                    each.key,
                    each.value,
                    headers_of(each.headers) if each.headers else (),
                    each.timestamp,
                )
                for each in found
            ]
        return records

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """See `Consumer.commit`."""
        self._require_open()
        stored = {kafka.TopicPartition(*place): OffsetAndMetadata(offset, "", -1) for place, offset in offsets.items()}
        with translated(f"committing offsets of group {self._settings.group_id!r}"):
            self._consumer.commit(stored, timeout_ms=_ANSWER_TIMEOUT_MS)

    def committed(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """See `Consumer.committed`."""
        self._require_open()
        with translated(f"asking for offsets of group {self._settings.group_id!r}"):
            found = {place: self._committed(kafka.TopicPartition(*place)) for place in partitions}
        return {place: offset for place, offset in found.items() if offset is not None}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """See `Consumer.seek`."""
        self._require_open()
        try:
            self._consumer.seek(kafka.TopicPartition(*partition), offset)
        except ValueError as error:
            raise TransportError(
                f"cannot seek to {offset} in {partition}: {error}; seek in partitions this consumer was assigned"
            ) from error

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        """See `Consumer.pause`."""
        self._require_open()
        self._consumer.pause(*self._owned(partitions))

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        """See `Consumer.resume`."""
        self._require_open()
        self._consumer.resume(*self._owned(partitions))
        self._topics.distrust()

    def membership(self) -> Membership:
        """See `Consumer.membership`."""
        self._require_open()
        self._topics.require_same(self._consumer.subscription() or (), has_records=True)
        found = self._consumer.group_metadata()
        held_as = self._listener.held_as if self._listener is not None else None
        return Membership(found.group_id, found.generation_id, held_as or found.member_id, found.group_instance_id)

    def positions(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """See `Consumer.positions`."""
        self._require_open()
        with translated("asking for positions"):
            return {
                TopicPartition(place.topic, place.partition): self._position(place) for place in self._owned(partitions)
            }

    def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """See `Consumer.end_offsets`."""
        self._require_open()
        with translated("asking for end offsets"):
            return _ours(self._consumer.end_offsets(_theirs(partitions), timeout_ms=_ANSWER_TIMEOUT_MS))

    def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """See `Consumer.beginning_offsets`."""
        self._require_open()
        with translated("asking for the oldest offsets"):
            return _ours(self._consumer.beginning_offsets(_theirs(partitions), timeout_ms=_ANSWER_TIMEOUT_MS))

    def _leave(self) -> None:
        try:
            self._consumer.close(autocommit=False, timeout_ms=_CLOSE_TIMEOUT_MS)
        except KafkaError:
            pass  # the broker is away
        finally:
            self._loop.close()

    def _committed(self, partition: kafka.TopicPartition) -> int | None:
        # After a time-out, kafka-python answers the next question with the late answer to the last
        # one, which may be outdated. What is asked now is answered at the second time at the latest.
        self._consumer.committed(partition, timeout_ms=_ANSWER_TIMEOUT_MS)
        offset: int | None = self._consumer.committed(partition, timeout_ms=_ANSWER_TIMEOUT_MS)
        return offset

    def _position(self, partition: kafka.TopicPartition) -> int:
        offset: int | None
        try:
            offset = self._consumer.position(partition, timeout_ms=_ANSWER_TIMEOUT_MS)
        except NoOffsetForPartitionError as error:
            self._begin_reading(error)
            offset = self._consumer.position(partition, timeout_ms=_ANSWER_TIMEOUT_MS)
        if offset is None:
            raise RetriableTransportError(f"no position is known yet in {partition.topic}/{partition.partition}")
        return offset

    def _begin_reading(self, error: NoOffsetForPartitionError) -> None:
        """Give partitions without a committed offset their first position, unless the callback sought."""
        seek = (
            self._consumer.seek_to_beginning
            if self._settings.auto_offset_reset == "earliest"
            else self._consumer.seek_to_end
        )
        without = self._consumer._subscription.missing_fetch_positions()  # noqa: SLF001 (else they are asked for anew)
        if places := without.intersection(*error.args):
            seek(*places)

    def _go_on_joining(self) -> None:
        # A leader that joins anew because its topics changed has, for kafka-python, no reason left as
        # soon as it has shared them out. If the time of a poll runs out then, no later one takes up
        # its own share: it would be expelled, without heartbeats, and never ask to come back.
        coordinator = self._consumer._coordinator  # noqa: SLF001 (see above)
        if coordinator.rebalance_in_progress():
            coordinator.request_rejoin()

    def _unpark(self) -> None:
        # What was fetched of a partition before it was paused is put aside by kafka-python, and
        # taken up again only if it happens to have nothing else in hand; until then it fetches
        # nothing of that partition, be it resumed or assigned anew. Forgotten, it is fetched again.
        parked = self._consumer._fetcher._paused_partition_records  # noqa: SLF001 (see above)
        for place in set(parked) - self._consumer.paused():
            parked.pop(place, None)

    def _owned(self, partitions: Sequence[TopicPartition]) -> list[kafka.TopicPartition]:
        owned = self._consumer.assignment()
        return [place for place in _theirs(partitions) if place in owned]


def _theirs(partitions: Sequence[TopicPartition]) -> list[kafka.TopicPartition]:
    return [kafka.TopicPartition(*place) for place in partitions]


def _ours(offsets: Mapping[kafka.TopicPartition, int]) -> dict[TopicPartition, int]:
    return {TopicPartition(place.topic, place.partition): offset for place, offset in offsets.items()}
