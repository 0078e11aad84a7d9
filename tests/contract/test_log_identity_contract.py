"""What every consumer must tell of a topic that is deleted and made anew under its name."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress

import pytest

from streamer.errors import FencedError, RetriableTransportError, TransportError
from streamer.events.record import Message, TopicPartition
from streamer.settings import KafkaSettings
from streamer.transport.base import Consumer, Rebalance
from tests.helpers.brokers import Broker, InMemory, RealKafka
from tests.helpers.transport import IGNORE, PATIENCE_S, read


@pytest.fixture(params=["memory", "kafka-python", "confluent"])
def broker(request: pytest.FixtureRequest) -> Broker:
    if request.param == "memory":
        return InMemory()
    settings = KafkaSettings(bootstrap_servers=request.getfixturevalue("kafka"), client=request.param)
    return RealKafka(settings.model_copy(update={"metadata_max_age_s": 1.0}))


def fill(broker: Broker, topic: str, count: int) -> None:
    with closing(broker.producer()) as producer:
        for number in range(count):
            producer.send(Message(topic, b"user", str(number).encode()))
        producer.flush(timeout_s=PATIENCE_S)


def subscribed(consumer: Consumer, topic: str) -> Consumer:
    consumer.subscribe([topic], IGNORE)
    return consumer


def eventually(ask: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with suppress(RetriableTransportError):
            if ask():
                return
        assert time.monotonic() < deadline


def test_the_identity_stays_with_its_topic(broker: Broker, open_consumer: Callable[[], Consumer]) -> None:
    topic, other = broker.topic(2), broker.topic(2)
    first = subscribed(open_consumer(), topic)
    told = first.log_id(topic)
    assert told
    fill(broker, topic, 5)
    assert len(read(first, 5)) == 5
    assert first.log_id(topic) == told
    first.close()
    assert subscribed(open_consumer(), topic).log_id(topic) == told
    assert subscribed(open_consumer(), other).log_id(other) != told


def test_it_is_told_while_partitions_are_taken_over(broker: Broker, open_consumer: Callable[[], Consumer]) -> None:
    topic = broker.topic(1)
    fill(broker, topic, 1)
    consumer = open_consumer()
    told: list[str | None] = []

    def assigned(places: Sequence[TopicPartition]) -> None:
        told.extend(consumer.log_id(place.topic) for place in places)

    consumer.subscribe([topic], Rebalance(assigned, IGNORE.revoked, IGNORE.lost))
    read(consumer, 1)
    assert told == [consumer.log_id(topic)]


def test_a_topic_that_is_made_anew_has_another_and_nothing_committed(
    broker: Broker, open_consumer: Callable[[], Consumer]
) -> None:
    topic = broker.topic(1)
    place = TopicPartition(topic, 0)
    fill(broker, topic, 3)
    consumer = subscribed(open_consumer(), topic)
    read(consumer, 3)
    consumer.commit({place: 3})
    before = consumer.log_id(topic)
    consumer.close()

    broker.make_anew(topic, 1)
    fill(broker, topic, 5)
    consumer = subscribed(open_consumer(), topic)
    eventually(lambda: not consumer.committed([place]))
    assert consumer.log_id(topic) not in {None, before}
    assert [record.offset for record in read(consumer, 5)] == [0, 1, 2, 3, 4]


def test_who_read_the_topic_before_learns_that_it_is_another(
    broker: Broker, open_consumer: Callable[[], Consumer]
) -> None:
    topic = broker.topic(1)
    fill(broker, topic, 3)
    asks, polls = subscribed(open_consumer(), topic), subscribed(open_consumer(), topic)
    eventually(lambda: bool(asks.poll(timeout_s=0.1, max_records=9) + polls.poll(timeout_s=0.1, max_records=9)))

    broker.make_anew(topic, 1)
    with pytest.raises(FencedError, match=f"{topic}.* made anew"):
        eventually(lambda: asks.log_id(topic) is None)
    with pytest.raises(FencedError, match=f"{topic}.* made anew"):
        eventually(lambda: bool(polls.poll(timeout_s=0.1, max_records=9)))


def test_the_closed_tells_nothing(broker: Broker, open_consumer: Callable[[], Consumer]) -> None:
    topic = broker.topic(1)
    consumer = subscribed(open_consumer(), topic)
    consumer.close()
    with pytest.raises(TransportError, match="closed"):
        consumer.log_id(topic)
