"""What all tests share: one real Kafka for the whole session, and topics of one's own on it."""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streamer.settings import KafkaSettings
from streamer.simulate.config import SimulationConfig
from streamer.transport.embedded import EmbeddedKafka
from streamer.transport.kafka_admin import create_topics

# Kept between sessions: the jars are fetched once for a checkout.
JARS = Path(__file__).parents[1] / ".streamer" / "cache"

SMALL_WORLD = SimulationConfig(users=200, merchants=60, days=200, seed=5)
"""What tests simulate; its first 20 days train the bundle."""

TopicMaker = Callable[[int], str]


@pytest.fixture(scope="session")
def jars() -> Path:
    """Folder that keeps Kafka's jars."""
    return JARS


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory, jars: Path) -> Iterator[str]:
    """Address of a running Kafka as host:port: STREAMER_TEST_KAFKA, or an embedded one."""
    given = os.environ.get("STREAMER_TEST_KAFKA")
    if given:
        yield given
        return
    with EmbeddedKafka(tmp_path_factory.mktemp("kafka"), cache=jars) as broker:
        yield broker.bootstrap


@pytest.fixture
def kafka_settings(kafka: str) -> KafkaSettings:
    """Settings for that Kafka, with a group of one's own."""
    return KafkaSettings(bootstrap_servers=kafka, group_id=f"group-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def make_topic(kafka: str) -> TopicMaker:
    """Creates a topic of one's own with so many partitions and returns its name."""

    def make(partitions: int) -> str:
        name = f"topic-{uuid.uuid4().hex[:12]}"
        create_topics(KafkaSettings(bootstrap_servers=kafka), {name: partitions})
        return name

    return make
