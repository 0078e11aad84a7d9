"""Reading from Kafka by librdkafka: raw bytes, cooperative rebalancing, no hidden commits."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from streamer.errors import RetriableTransportError, TransportError
from streamer.events.record import Record, TopicPartition
from streamer.settings import KafkaSettings
from streamer.transport.base import Membership, Rebalance
from streamer.transport.confluent_client import common, connect
from streamer.transport.confluent_errors import error_of, translate, translated
from streamer.transport.confluent_logs import SparseLog
from streamer.transport.confluent_membership import membership_of
from streamer.transport.confluent_rebalance import Share
from streamer.transport.confluent_records import Polled, sorted_out
from streamer.transport.confluent_topics import TopicWatch
from streamer.transport.group_consumer import GroupConsumer
from streamer.transport.kafka_admin import probe, require_topics

_ANSWER_WITHIN_S = 5.0
_FETCH_SPARE_MS = 2_000
_SEEK_AGAIN_S = 0.01
# Members learn of a rebalance by heartbeat; a second apart, sharing anew takes about two.
_HEARTBEAT_MS = 1_000
# What is fetched ahead: enough to keep a worker busy, and little to forget when partitions go.
_AHEAD_RECORDS = 20_000
_AHEAD_KB = 32_768
_AHEAD_BACKOFF_MS = 10


class ConfluentConsumer(GroupConsumer[TopicWatch, Share]):
    """A `Consumer` in a consumer group, with cooperative rebalancing and explicit commits.

    While the brokers are away, `poll` returns nothing and the client reconnects by itself.
    """

    def __init__(self, settings: KafkaSettings, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Connect.

        Raises:
            TransportError: the connection failed; names cause and remedy.
        """
        # librdkafka would try for ever, and name causes in its log alone.
        probe(settings)
        self._monotonic = monotonic
        self._consumer, self._faults = connect(confluent_kafka.Consumer, settings, _configs(settings))
        super().__init__(settings, TopicWatch(AdminClient({**common(settings)}, logger=SparseLog())))
        self._late: TransportError | None = None
        self._doing = f"reading as group {settings.group_id!r}"

    def subscribe(self, topics: Sequence[str], rebalance: Rebalance) -> None:
        """See `Consumer.subscribe`."""
        self._require_open()
        require_topics(self._settings, topics)
        # From here on what is asked of them is of these, or `log_id` says that it is not.
        self._topics.begin(topics)
        share = self._listener = Share(rebalance, self._starts)
        with translated(f"subscribing to topics {list(topics)}"):
            self._consumer.subscribe(
                list(topics), on_assign=share.assigned, on_revoke=share.revoked, on_lost=share.lost
            )

    def poll(self, *, timeout_s: float, max_records: int) -> list[Record]:
        """See `Consumer.poll`."""
        share = self._require_listener()
        self._faults.raise_first(self._doing)
        self._raise_late()
        self._topics.watch()
        deadline = self._monotonic() + timeout_s
        while True:
            polled = self._fetch(max(0.0, deadline - self._monotonic()), max_records)
            share.raise_failure()
            self._faults.raise_first(self._doing)
            records = self._take(share, polled)
            if records or self._late is not None or self._monotonic() >= deadline:
                break
        if not records:
            self._raise_late()
        return records

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """See `Consumer.commit`."""
        self._require_open()
        self._topics.require_same()
        stored = [confluent_kafka.TopicPartition(*place, offset) for place, offset in offsets.items()]
        with translated(f"committing offsets of group {self._settings.group_id!r}"):
            if stored:
                _require_all(self._consumer.commit(offsets=stored, asynchronous=False))

    def committed(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """See `Consumer.committed`."""
        self._require_open()
        if not partitions:
            return {}
        with translated(f"asking for offsets of group {self._settings.group_id!r}"):
            found = _require_all(self._consumer.committed(_theirs(partitions), _ANSWER_WITHIN_S))
        return {TopicPartition(each.topic, each.partition): each.offset for each in found if each.offset >= 0}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """See `Consumer.seek`."""
        self._require_open()
        share = self._listener
        if share is None or partition not in share.held:
            raise TransportError(
                f"cannot seek to {offset} in {partition}: seek in partitions this consumer was assigned"
            )
        if partition not in share.taking:
            self._seek(partition, offset)
        share.positions[partition] = offset

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        """See `Consumer.pause`."""
        self._require_open()
        if self._listener is not None:
            held = self._listener.held.intersection(partitions)
            self._listener.paused |= held
            with translated("pausing partitions"):
                self._consumer.pause(_theirs(held - self._listener.taking))

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        """See `Consumer.resume`."""
        self._require_open()
        if self._listener is not None:
            paused = self._listener.paused.intersection(partitions)
            self._listener.paused -= paused
            with translated("resuming partitions"):
                self._consumer.resume(_theirs(paused - self._listener.taking))

    def membership(self) -> Membership:
        """See `Consumer.membership`."""
        self._require_open()
        self._topics.require_same()
        return membership_of(self._consumer.consumer_group_metadata())

    def positions(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """See `Consumer.positions`."""
        self._require_open()
        if self._listener is None:
            return {}
        self._listener.place(partitions)
        known = self._listener.positions
        return {each: known[each] for each in partitions if each in known}

    def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """See `Consumer.end_offsets`."""
        return {place: end for place, (_, end) in self._bounds(partitions).items()}

    def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """See `Consumer.beginning_offsets`."""
        return {place: begin for place, (begin, _) in self._bounds(partitions).items()}

    def _leave(self) -> None:
        with suppress(KafkaException):
            self._consumer.close()

    def _fetch(self, timeout_s: float, max_records: int) -> Polled:
        with translated(self._doing):
            # `consume` alone would wait for as many as it may return.
            first = self._consumer.poll(timeout_s)
            if first is None:
                return Polled()
            more = self._consumer.consume(max_records - 1, 0.0) if max_records > 1 else []
        return sorted_out([first, *more])

    def _take(self, share: Share, polled: Polled) -> list[Record]:
        for fault in polled.faults:
            self._faults.note(fault.error)
            self._late = self._late or translate(fault.error, self._doing, fault.place)
        # Partitions may have gone between the first record and the last.
        kept = {place: records for place, records in polled.records.items() if place in share.positions}
        if kept and not self._is_sure():
            for place in kept:
                self._seek(place, share.positions[place])
            return []
        for place, records in kept.items():
            share.positions[place] = records[-1].offset + 1
        for place, end in polled.ends.items():
            if place in share.positions:
                share.positions[place] = max(end, share.positions[place])
        return [record for records in kept.values() for record in records]

    def _is_sure(self) -> bool:
        try:
            self._topics.require_same()
        except RetriableTransportError:
            return False
        return True

    def _raise_late(self) -> None:
        late, self._late = self._late, None
        if late is not None:
            raise late

    def _starts(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Where the group goes on; where nothing is committed, as the settings say."""
        starts = self.committed(partitions)
        new = [place for place in partitions if place not in starts]
        of_new = self.beginning_offsets if self._settings.auto_offset_reset == "earliest" else self.end_offsets
        return {**starts, **of_new(new)}

    def _seek(self, partition: TopicPartition, offset: int) -> None:
        deadline = self._monotonic() + _ANSWER_WITHIN_S
        while True:
            try:
                self._consumer.seek(confluent_kafka.TopicPartition(*partition, offset))
            except KafkaException as exception:
                # Just assigned, it is not read yet.
                error = error_of(exception)
                if error.code() != KafkaError._STATE or self._monotonic() > deadline:
                    raise translate(error, f"seeking to {offset} in {partition}") from exception
                time.sleep(_SEEK_AGAIN_S)
            else:
                return

    def _bounds(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
        self._require_open()
        with translated("asking for the bounds of logs"):
            return {
                place: self._consumer.get_watermark_offsets(
                    confluent_kafka.TopicPartition(*place), timeout=_ANSWER_WITHIN_S
                )
                for place in partitions
            }


def _configs(settings: KafkaSettings) -> dict[str, object]:
    session_ms = int(settings.session_timeout_s * 1_000)
    named = {} if settings.group_instance_id is None else {"group.instance.id": settings.group_instance_id}
    return {
        **named,
        "group.id": settings.group_id,
        "group.protocol": "classic",
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": session_ms,
        "heartbeat.interval.ms": min(_HEARTBEAT_MS, session_ms // 3),
        "max.poll.interval.ms": max(session_ms, int(settings.max_poll_interval_s * 1_000)),
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        # Else a position whose records were deleted would be moved, and nobody be told.
        "auto.offset.reset": "error",
        "isolation.level": "read_committed",
        "check.crcs": True,
        # Tells that the marks of transactions at the end of a log are passed.
        "enable.partition.eof": True,
        "fetch.wait.max.ms": settings.fetch_max_wait_ms,
        # Commits wait for the answer for so long; a fetch must be answered by then.
        "socket.timeout.ms": max(int(_ANSWER_WITHIN_S * 1_000), settings.fetch_max_wait_ms + _FETCH_SPARE_MS),
        "queued.min.messages": _AHEAD_RECORDS,
        "queued.max.messages.kbytes": _AHEAD_KB,
        "fetch.queue.backoff.ms": _AHEAD_BACKOFF_MS,
    }


def _require_all(answers: Sequence[confluent_kafka.TopicPartition]) -> Sequence[confluent_kafka.TopicPartition]:
    for each in answers:
        if each.error is not None:
            raise KafkaException(each.error)
    return answers


def _theirs(partitions: Iterable[TopicPartition]) -> list[confluent_kafka.TopicPartition]:
    return [confluent_kafka.TopicPartition(*place) for place in partitions]
