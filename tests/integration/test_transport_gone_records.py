"""Records that were deleted before they were read: a consumer says so, and never jumps over them."""

import time
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
from kafka import KafkaAdminClient
from kafka import TopicPartition as KafkaTopicPartition

from streamer.errors import FencedError, RetriableTransportError
from streamer.events.record import Message, TopicPartition
from streamer.settings import KafkaSettings
from streamer.transport.base import Consumer
from streamer.transport.kafka import create_topics
from streamer.transport.kafka_client import connect
from tests.conftest import TopicMaker
from tests.helpers.clients import CLIENTS, consumer_of, producer_of
from tests.helpers.transport import IGNORE, PATIENCE_S, read


@pytest.fixture(params=CLIENTS)
def kafka_settings(request: pytest.FixtureRequest, kafka: str) -> KafkaSettings:
    """Settings for that Kafka, by each client in turn."""
    group = f"group-{uuid.uuid4().hex[:12]}"
    return KafkaSettings(bootstrap_servers=kafka, client=request.param, group_id=group)


@pytest.fixture
def admin(kafka_settings: KafkaSettings) -> Iterator[KafkaAdminClient]:
    """Deletes what the product never would."""
    admin, loop = connect(KafkaAdminClient, kafka_settings)
    yield admin
    admin.close()
    loop.close()


def fill(settings: KafkaSettings, topic: str, count: int) -> None:
    """Write so many records."""
    with closing(producer_of(settings)) as producer:
        for number in range(count):
            producer.send(Message(topic, b"user", str(number).encode()))
        producer.flush(timeout_s=PATIENCE_S)


def recreate(admin: KafkaAdminClient, settings: KafkaSettings, topic: str) -> None:
    """Delete a topic, and make one of the same name."""
    admin.delete_topics([topic])
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if create_topics(settings, {topic: 1}):
            return
        time.sleep(0.1)
    pytest.fail("the topic was never deleted")


def poll_until_it_fails(consumer: Consumer) -> None:
    """Poll until an error ends it; fail when a record comes or no error in time."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with suppress(RetriableTransportError):
            assert consumer.poll(timeout_s=0.1, max_records=100) == []
    pytest.fail("neither records nor an error came")


@pytest.fixture
def topic(make_topic: TopicMaker) -> str:
    return make_topic(1)


@pytest.fixture
def settings(kafka_settings: KafkaSettings, topic: str) -> KafkaSettings:
    return kafka_settings.model_copy(update={"metadata_max_age_s": 1.0})


@pytest.mark.parametrize("reset", ["earliest", "latest"])
def test_unread_records_that_are_deleted_are_not_skipped(
    settings: KafkaSettings, topic: str, admin: KafkaAdminClient, reset: str
) -> None:
    place = TopicPartition(topic, 0)
    fill(settings, topic, 10)
    with closing(consumer_of(settings)) as consumer:
        consumer.subscribe([topic], IGNORE)
        read(consumer, 10)
        consumer.commit({place: 10})
    again = settings.model_copy(update={"auto_offset_reset": reset})
    with closing(consumer_of(again)) as consumer:
        consumer.subscribe([topic], IGNORE)
        while not consumer.positions([place]):
            consumer.poll(timeout_s=0.1, max_records=1)
        consumer.pause([place])
        fill(settings, topic, 40)
        admin.delete_records({KafkaTopicPartition(topic, 0): 30})
        consumer.poll(timeout_s=0.5, max_records=1)
        consumer.seek(place, 10)
        consumer.resume([place])
        with pytest.raises(FencedError, match=f"{topic}.* are gone; start anew"):
            poll_until_it_fails(consumer)


@pytest.mark.parametrize("count", [5, 40], ids=["shorter", "longer"])
def test_a_position_in_a_deleted_topic_is_none_in_its_successor(
    settings: KafkaSettings, topic: str, admin: KafkaAdminClient, count: int
) -> None:
    fill(settings, topic, 10)
    with closing(consumer_of(settings)) as consumer:
        consumer.subscribe([topic], IGNORE)
        read(consumer, 10)
        recreate(admin, settings, topic)
        fill(settings, topic, count)
        with pytest.raises(FencedError, match=f"{topic}.* are gone; start anew"):
            poll_until_it_fails(consumer)


@pytest.mark.parametrize(("reset", "first"), [("earliest", 30), ("latest", 50)])
def test_a_group_without_offsets_begins_where_the_settings_say(
    settings: KafkaSettings, topic: str, admin: KafkaAdminClient, reset: str, first: int
) -> None:
    place = TopicPartition(topic, 0)
    fill(settings, topic, 50)
    admin.delete_records({KafkaTopicPartition(topic, 0): 30})
    begun = settings.model_copy(update={"auto_offset_reset": reset, "group_id": uuid.uuid4().hex})
    with closing(consumer_of(begun)) as consumer:
        consumer.subscribe([topic], IGNORE)
        while not (found := consumer.positions([place])):
            consumer.poll(timeout_s=0.01, max_records=1)
        # Nothing was read yet, or the first record alone.
        assert found[place] - first in {0, 1}
        fill(settings, topic, 1)
        offset = read(consumer, 1)[0].offset
        assert offset == found[place]
