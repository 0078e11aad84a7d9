"""Members with a lasting name: they may go and come back without moving partitions, and are one of a kind."""

import time
import uuid
from contextlib import closing, suppress

import pytest

from streamer.errors import FencedError, TransportError
from streamer.events.record import Message, TopicPartition
from streamer.settings import KafkaSettings
from streamer.transport.base import Consumer
from tests.conftest import TopicMaker
from tests.helpers.clients import CLIENTS, consumer_of, producer_of, transactional_of
from tests.helpers.transport import PATIENCE_S, Journal, read


@pytest.fixture(params=CLIENTS)
def kafka_settings(request: pytest.FixtureRequest, kafka: str) -> KafkaSettings:
    """Settings for that Kafka, by each client in turn."""
    group = f"group-{uuid.uuid4().hex[:12]}"
    return KafkaSettings(bootstrap_servers=kafka, client=request.param, group_id=group)


def poll_until_owned(consumer: Consumer, journal: Journal, count: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while len(journal.owned()) < count:
        assert time.monotonic() < deadline
        consumer.poll(timeout_s=0.05, max_records=10)


def test_a_static_member_that_closes_keeps_its_partitions_for_its_return(
    kafka_settings: KafkaSettings, make_topic: TopicMaker
) -> None:
    topic = make_topic(2)
    names = [kafka_settings.model_copy(update={"group_instance_id": f"worker-{number}"}) for number in range(2)]
    journals = [Journal() for _ in range(3)]
    stayer, leaver = (consumer_of(each) for each in names)
    with closing(stayer):
        with closing(leaver):
            stayer.subscribe([topic], journals[0].rebalance())
            leaver.subscribe([topic], journals[1].rebalance())
            deadline = time.monotonic() + PATIENCE_S
            while not len(journals[0].owned()) == len(journals[1].owned()) == 1:
                assert time.monotonic() < deadline
                stayer.poll(timeout_s=0.05, max_records=10)
                leaver.poll(timeout_s=0.05, max_records=10)
            assert leaver.membership().instance_id == "worker-1"
        settled = list(journals[0].events)
        for _ in range(20):
            stayer.poll(timeout_s=0.1, max_records=10)
        with closing(consumer_of(names[1])) as returned:
            returned.subscribe([topic], journals[2].rebalance())
            poll_until_owned(returned, journals[2], 1)
            for _ in range(10):
                stayer.poll(timeout_s=0.1, max_records=10)
            assert journals[2].owned() == journals[1].owned()
            assert journals[0].events == settled, "the other member noticed nothing"


def test_of_two_members_of_one_name_the_older_cannot_commit(
    kafka_settings: KafkaSettings, make_topic: TopicMaker
) -> None:
    topic = make_topic(1)
    place = TopicPartition(topic, 0)
    settings = kafka_settings.model_copy(update={"group_instance_id": "worker"})
    journal = Journal()
    with (
        closing(producer_of(settings)) as plain,
        closing(transactional_of(settings, settings.group_id)) as producer,
        closing(consumer_of(settings)) as older,
        closing(consumer_of(settings)) as newer,
    ):
        plain.send(Message(topic, b"k", b"v"))
        plain.flush(timeout_s=PATIENCE_S)
        producer.renew()
        older.subscribe([topic], Journal().rebalance())
        read(older, 1)
        newer.subscribe([topic], journal.rebalance())
        poll_until_owned(newer, journal, 1)
        with pytest.raises(FencedError):
            producer.transact([], {place: 1}, older.membership(), timeout_s=PATIENCE_S)
        producer.renew()
        producer.transact([], {place: 1}, newer.membership(), timeout_s=PATIENCE_S)
        assert newer.committed([place]) == {place: 1}
        with suppress(TransportError):
            older.poll(timeout_s=0.1, max_records=1)


def test_of_two_members_of_one_name_the_older_is_told_though_there_is_nothing_to_read(
    kafka_settings: KafkaSettings, make_topic: TopicMaker
) -> None:
    topic = make_topic(1)
    settings = kafka_settings.model_copy(update={"group_instance_id": "worker"})
    journals = [Journal(), Journal()]
    with closing(consumer_of(settings)) as older, closing(consumer_of(settings)) as newer:
        older.subscribe([topic], journals[0].rebalance())
        poll_until_owned(older, journals[0], 1)
        newer.subscribe([topic], journals[1].rebalance())
        poll_until_owned(newer, journals[1], 1)
        with pytest.raises(FencedError, match=r"another process uses the same kafka\.group_instance_id"):
            read(older, 1)
        with pytest.raises(FencedError):
            older.poll(timeout_s=0.1, max_records=1)
        for _ in range(20):
            assert newer.poll(timeout_s=0.1, max_records=1) == []
