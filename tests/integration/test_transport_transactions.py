"""Transactions that are interrupted: by a crash of the broker, by their own timeout, by a topic that goes."""

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from streamer.errors import FencedError, RetriableTransportError, TransportError
from streamer.events.record import Message, TopicPartition
from streamer.settings import ClientLibrary, KafkaSettings
from streamer.transport.base import Consumer, TransactionalProducer
from streamer.transport.embedded import EmbeddedKafka
from streamer.transport.kafka import create_topics
from tests.conftest import TopicMaker
from tests.helpers.clients import CLIENTS, consumer_of, producer_of, transactional_of
from tests.helpers.transport import IGNORE, PATIENCE_S, read

LONGEST_S = 10.0
"""More than the three seconds given to a transaction and the four after which librdkafka is taken to be stuck."""


@pytest.fixture(params=CLIENTS)
def kafka_settings(request: pytest.FixtureRequest, kafka: str) -> KafkaSettings:
    """Settings for that Kafka, by each client in turn."""
    group = f"group-{uuid.uuid4().hex[:12]}"
    return KafkaSettings(bootstrap_servers=kafka, client=request.param, group_id=group)


@pytest.fixture
def broker(tmp_path: Path, jars: Path) -> Iterator[EmbeddedKafka]:
    """A broker of one's own, to be killed."""
    with EmbeddedKafka(tmp_path / "broker", cache=jars) as broker:
        yield broker


def values(settings: KafkaSettings, topic: str, count: int) -> list[bytes | None]:
    """Read what is visible of a topic."""
    with closing(consumer_of(settings.model_copy(update={"group_id": f"reader-{uuid.uuid4().hex[:12]}"}))) as reader:
        reader.subscribe([topic], IGNORE)
        found = read(reader, count)
        for _ in range(5):
            found += reader.poll(timeout_s=0.1, max_records=100)
        return [record.value for record in found]


def write_until_it_is(producer: TransactionalProducer, consumer: Consumer, place: TopicPartition, number: int) -> None:
    """Write a number, again if its transaction failed and left nothing."""
    deadline = time.monotonic() + PATIENCE_S
    while consumer.committed([place]).get(place, 0) <= number:
        assert time.monotonic() < deadline
        message = [Message("out", b"k", str(number).encode())]
        try:
            producer.transact(message, {place: number + 1}, consumer.membership(), timeout_s=PATIENCE_S)
        except RetriableTransportError:
            producer.renew()


@pytest.mark.parametrize("client", CLIENTS)
def test_transactions_through_crashes_are_written_exactly_once(broker: EmbeddedKafka, client: ClientLibrary) -> None:
    settings = KafkaSettings(
        bootstrap_servers=broker.bootstrap,
        client=client,
        group_id="workers",
        bootstrap_timeout_s=1.0,
        # The broker is away for long on a busy machine, and nobody is to lose a place meanwhile.
        session_timeout_s=120.0,
    )
    create_topics(settings, {"in": 1, "out": 1})
    place = TopicPartition("in", 0)
    with closing(producer_of(settings)) as plain:
        for number in range(20):
            plain.send(Message("in", b"k", str(number).encode()))
        plain.flush(timeout_s=PATIENCE_S)
    with closing(consumer_of(settings)) as consumer, closing(transactional_of(settings, "w")) as producer:
        consumer.subscribe(["in"], IGNORE)
        read(consumer, 20)
        producer.renew()
        for crash in range(2):
            step = crash * 10
            in_doubt = None
            # Earlier each time, so that different steps of a transaction are interrupted.
            killer = threading.Timer(0.2 / (crash + 1), broker.kill)
            killer.start()
            for number in range(step, step + 10):
                message = [Message("out", b"k", str(number).encode())]
                began = time.monotonic()
                try:
                    producer.transact(message, {place: number + 1}, consumer.membership(), timeout_s=3.0)
                except RetriableTransportError:
                    assert time.monotonic() - began < LONGEST_S
                    in_doubt = number
                    break
                time.sleep(0.02)
            killer.join()
            with pytest.raises(RetriableTransportError):
                producer.renew()
            assert consumer.poll(timeout_s=0.2, max_records=10) == []
            broker.start()
            producer.renew()
            stored = consumer.committed([place])
            done = stored.get(place, 0)
            assert in_doubt is None or done in {in_doubt, in_doubt + 1}
            for number in range(done, step + 10):
                write_until_it_is(producer, consumer, place, number)
        assert consumer.committed([place]) == {place: 20}
    assert values(settings, "out", 20) == [str(number).encode() for number in range(20)]


def test_a_topic_that_is_deleted_meanwhile_is_named_and_waited_for(
    kafka_settings: KafkaSettings, make_topic: TopicMaker
) -> None:
    topic = make_topic(1)
    with closing(transactional_of(kafka_settings, kafka_settings.group_id)) as producer:
        producer.renew()
        producer.transact([Message(topic, b"k", b"first")], {}, None, timeout_s=PATIENCE_S)
        admin = KafkaAdminClient(bootstrap_servers=kafka_settings.bootstrap_servers)
        with closing(admin):
            admin.delete_topics([topic])
        began = time.monotonic()
        with pytest.raises(RetriableTransportError, match=rf"'{topic}' does not exist.*create it"):
            producer.transact([Message(topic, b"k", b"second")], {}, None, timeout_s=PATIENCE_S)
        assert time.monotonic() - began < kafka_settings.transaction_timeout_s
        for _ in range(2):
            producer.renew()
            with pytest.raises(RetriableTransportError, match=f"'{topic}' does not exist"):
                producer.transact([Message(topic, b"k", b"second")], {}, None, timeout_s=PATIENCE_S)
        create_topics(kafka_settings, {topic: 1})
        producer.renew()
        producer.transact([Message(topic, b"k", b"third")], {}, None, timeout_s=PATIENCE_S)
    assert values(kafka_settings, topic, 1) == [b"third"]


def test_what_the_broker_refuses_undoes_the_whole_and_is_told_with_its_topic(
    kafka_settings: KafkaSettings, make_topic: TopicMaker
) -> None:
    good, bad = make_topic(1), make_topic(1)
    far_future = 4_102_444_800_000
    with closing(transactional_of(kafka_settings, kafka_settings.group_id)) as producer:
        producer.renew()
        messages = [Message(good, b"k", b"undone"), Message(bad, b"k", b"v", timestamp=far_future)]
        with pytest.raises(TransportError, match=rf"writing to topic '{bad}'.*InvalidTimestampError") as caught:
            producer.transact(messages, {}, None, timeout_s=PATIENCE_S)
        assert not isinstance(caught.value, FencedError | RetriableTransportError)
        # Before the next transaction begins: what was refused must not hold up readers until its timeout.
        with closing(producer_of(kafka_settings)) as plain:
            plain.send(Message(good, b"k", b"seen"))
            plain.flush(timeout_s=PATIENCE_S)
        began = time.monotonic()
        assert values(kafka_settings, good, 1) == [b"seen"]
        assert time.monotonic() - began < kafka_settings.transaction_timeout_s


def test_a_timeout_above_the_brokers_is_told(kafka_settings: KafkaSettings) -> None:
    settings = kafka_settings.model_copy(update={"transaction_timeout_s": 1e6})
    with (
        closing(transactional_of(settings, settings.group_id)) as producer,
        pytest.raises(TransportError, match=r"kafka\.transaction_timeout_s"),
    ):
        producer.renew()
