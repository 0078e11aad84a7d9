"""A broker that crashes and comes back with its data: clients wait, say so, and go on."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from streamer.errors import RetriableTransportError
from streamer.events.record import Message, TopicPartition
from streamer.settings import ClientLibrary, KafkaSettings
from streamer.transport.embedded import EmbeddedKafka
from streamer.transport.kafka_admin import create_topics, probe
from tests.helpers.clients import CLIENTS, consumer_of, producer_of
from tests.helpers.transport import IGNORE, PATIENCE_S, read


@pytest.fixture
def broker(tmp_path: Path, jars: Path) -> Iterator[EmbeddedKafka]:
    """A broker of one's own, to be killed."""
    with EmbeddedKafka(tmp_path / "broker", cache=jars) as broker:
        yield broker


@pytest.mark.parametrize("client", CLIENTS)
def test_consumer_and_producer_survive_a_crash(broker: EmbeddedKafka, client: ClientLibrary) -> None:
    settings = KafkaSettings(bootstrap_servers=broker.bootstrap, client=client, group_id="survivors")
    create_topics(settings, {"events": 1})
    place = TopicPartition("events", 0)
    with closing(producer_of(settings)) as producer, closing(consumer_of(settings)) as consumer:
        producer.send(Message("events", b"k", b"before"))
        producer.flush(timeout_s=PATIENCE_S)
        consumer.subscribe(["events"], IGNORE)
        assert [record.value for record in read(consumer, 1)] == [b"before"]
        consumer.commit({place: 1})

        broker.kill()
        producer.send(Message("events", b"k", b"meanwhile"))
        with pytest.raises(RetriableTransportError, match="not all messages were acknowledged"):
            producer.flush(timeout_s=1.0)
        assert consumer.poll(timeout_s=0.5, max_records=100) == []
        with pytest.raises(RetriableTransportError):
            consumer.commit({place: 1})
        with pytest.raises(RetriableTransportError):
            consumer.end_offsets([place])
        address = broker.bootstrap

        broker.start()
        assert broker.bootstrap == address
        producer.flush(timeout_s=PATIENCE_S)
        producer.send(Message("events", b"k", b"after"))
        producer.flush(timeout_s=PATIENCE_S)
        found = read(consumer, 2)
        assert [(record.offset, record.value) for record in found] == [(1, b"meanwhile"), (2, b"after")]
        consumer.commit({place: 3})
        assert consumer.end_offsets([place]) == {place: 3}


@pytest.mark.parametrize("client", CLIENTS)
def test_closing_while_the_broker_is_away_takes_seconds_not_minutes(
    broker: EmbeddedKafka, client: ClientLibrary
) -> None:
    settings = KafkaSettings(bootstrap_servers=broker.bootstrap, client=client, group_id="leavers")
    create_topics(settings, {"events": 1})
    producer = producer_of(settings)
    consumer = consumer_of(settings)
    consumer.subscribe(["events"], IGNORE)
    producer.send(Message("events", b"k", b"v"))
    producer.flush(timeout_s=PATIENCE_S)
    assert len(read(consumer, 1)) == 1
    broker.kill()
    producer.send(Message("events", b"k", b"never acknowledged"))
    began = time.monotonic()
    producer.close()
    consumer.close()
    assert time.monotonic() - began < 20.0, "an orderly shutdown has a bound"


def test_subscribing_to_a_broker_that_went_away_meanwhile_says_so(broker: EmbeddedKafka) -> None:
    settings = KafkaSettings(bootstrap_servers=broker.bootstrap, group_id="early", bootstrap_timeout_s=1.0)
    create_topics(settings, {"events": 1})
    with closing(consumer_of(settings)) as consumer:
        broker.kill()
        with pytest.raises(RetriableTransportError, match="no broker answers there"):
            consumer.subscribe(["events"], IGNORE)


def test_an_orderly_restart_keeps_topics_and_address(broker: EmbeddedKafka) -> None:
    settings = KafkaSettings(bootstrap_servers=broker.bootstrap)
    create_topics(settings, {"kept": 3})
    before = probe(settings)
    broker.restart()
    after = probe(settings)
    assert after.topics["kept"] == 3
    assert (after.cluster_id, after.brokers) == (before.cluster_id, (broker.bootstrap,))
