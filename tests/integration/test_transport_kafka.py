"""What only a real Kafka shows: lost membership, refusals by the broker, topics."""

import threading
import time
from collections.abc import Sequence
from contextlib import closing

import pytest

from streamer.errors import FencedError, TransportError
from streamer.events.record import Message, TopicPartition
from streamer.settings import KafkaSettings
from streamer.transport.base import Rebalance
from streamer.transport.kafka import (
    KafkaConsumer,
    KafkaProducer,
    committed_offsets,
    create_topics,
    missing_topics,
    probe,
    require_topics,
)
from tests.conftest import TopicMaker
from tests.helpers.transport import IGNORE, PATIENCE_S, Journal, read


def test_a_worker_silent_for_too_long_loses_its_partitions_and_cannot_commit(
    kafka_settings: KafkaSettings, make_topic: TopicMaker
) -> None:
    topic = make_topic(1)
    place = TopicPartition(topic, 0)
    journal = Journal()
    settings = kafka_settings.model_copy(update={"max_poll_interval_s": 1.0})
    with closing(KafkaProducer(settings)) as producer, closing(KafkaConsumer(settings)) as consumer:
        producer.send(Message(topic, b"k", b"v"))
        producer.flush(timeout_s=PATIENCE_S)
        consumer.subscribe([topic], journal.rebalance())
        read(consumer, 1)
        time.sleep(2.5)
        with pytest.raises(FencedError, match="another process took over"):
            consumer.commit({place: 1})
        assert [record.offset for record in read(consumer, 1)] == [0], "what was not committed comes again"
        assert journal.events == [("assigned", (place,)), ("lost", (place,)), ("assigned", (place,))]


def test_heartbeats_go_on_while_a_callback_takes_long(kafka_settings: KafkaSettings, make_topic: TopicMaker) -> None:
    topic = make_topic(1)
    settings = kafka_settings.model_copy(update={"session_timeout_s": 1.5})
    assigned: list[Sequence[TopicPartition]] = []
    lost: list[Sequence[TopicPartition]] = []

    def load(places: Sequence[TopicPartition]) -> None:
        assigned.append(places)
        time.sleep(4.0)

    with closing(KafkaConsumer(settings)) as consumer:
        consumer.subscribe([topic], Rebalance(load, lost.append, lost.append))
        for _ in range(5):
            consumer.poll(timeout_s=0.2, max_records=1)
        consumer.commit({TopicPartition(topic, 0): 0})
    assert (len(assigned), lost) == (1, [])


def test_callbacks_never_run_beside_the_callers_own_code(kafka_settings: KafkaSettings, make_topic: TopicMaker) -> None:
    topic = make_topic(2)
    polling = threading.Event()
    beside: list[str] = []

    def note(kind: str) -> None:
        if not polling.is_set():
            beside.append(kind)

    first, second = KafkaConsumer(kafka_settings), KafkaConsumer(kafka_settings)
    with closing(first), closing(second):
        first.subscribe(
            [topic], Rebalance(lambda _: note("assigned"), lambda _: note("revoked"), lambda _: note("lost"))
        )
        second.subscribe([topic], IGNORE)
        for _ in range(60):
            polling.set()
            first.poll(timeout_s=0.02, max_records=1)
            polling.clear()
            second.poll(timeout_s=0.05, max_records=1)
    assert beside == []


def test_what_the_broker_refuses_comes_out_of_flush_with_topic_and_cause(
    kafka_settings: KafkaSettings, make_topic: TopicMaker
) -> None:
    topic = make_topic(1)
    far_future = 4_102_444_800_000
    with closing(KafkaProducer(kafka_settings)) as producer:
        producer.send(Message(topic, b"k", b"fine"))
        producer.send(Message(topic, b"k", b"v", timestamp=far_future))
        with pytest.raises(TransportError, match=rf"writing to topic '{topic}'.*InvalidTimestampError"):
            producer.flush(timeout_s=PATIENCE_S)
        producer.send(Message(topic, b"k", b"next"))
        producer.flush(timeout_s=PATIENCE_S)


def test_a_limit_above_the_brokers_is_told(kafka_settings: KafkaSettings, make_topic: TopicMaker) -> None:
    topic = make_topic(1)
    with closing(KafkaProducer(kafka_settings.model_copy(update={"max_message_bytes": 5_000_000}))) as producer:
        producer.send(Message(topic, b"k", b"v" * 3_000_000))
        with pytest.raises(TransportError, match=rf"'{topic}'.*lower kafka\.max_message_bytes or raise the topic's"):
            producer.flush(timeout_s=PATIENCE_S)


def test_topics_are_created_once_and_missing_ones_are_listed(
    kafka_settings: KafkaSettings, make_topic: TopicMaker
) -> None:
    old, new = make_topic(2), f"{kafka_settings.group_id}-new"
    assert missing_topics(kafka_settings, [new, old]) == [new]
    assert create_topics(kafka_settings, {old: 5, new: 3}) == [new]
    assert create_topics(kafka_settings, {}) == []
    require_topics(kafka_settings, [old, new])
    with pytest.raises(TransportError, match=r"'absent' does not exist.*create it"):
        require_topics(kafka_settings, [old, "absent"])
    facts = probe(kafka_settings)
    assert (facts.topics[old], facts.topics[new]) == (2, 3)
    assert facts.cluster_id
    assert facts.brokers


def test_a_name_the_broker_refuses_is_told(kafka_settings: KafkaSettings) -> None:
    with pytest.raises(TransportError, match=r"creating topic 'not a name'.*use letters"):
        create_topics(kafka_settings, {"not a name": 1})


def test_committed_offsets_are_those_of_the_group_and_topic(
    kafka_settings: KafkaSettings, make_topic: TopicMaker
) -> None:
    topic, other = make_topic(2), make_topic(1)
    assert committed_offsets(kafka_settings, topic) == {}
    with closing(KafkaConsumer(kafka_settings)) as consumer:
        journal = Journal()
        consumer.subscribe([topic, other], journal.rebalance())
        while not journal.events:
            consumer.poll(timeout_s=0.1, max_records=1)
        consumer.commit({TopicPartition(topic, 1): 7, TopicPartition(other, 0): 3})
    assert committed_offsets(kafka_settings, topic) == {TopicPartition(topic, 1): 7}
    assert committed_offsets(kafka_settings.model_copy(update={"group_id": "another"}), topic) == {}
