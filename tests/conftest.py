"""What all tests share: one real Kafka for the whole session, and topics of one's own on it."""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from detectors.threads import use_one_thread
from detectors.training.fit import TrainingConfig
from streamer.history import collect
from streamer.settings import KafkaSettings, Settings
from streamer.simulate.config import SimulationConfig
from streamer.simulate.stream import simulate
from streamer.simulate.to_file import to_file
from streamer.training import NewBundle, train_bundle
from streamer.transport.archive import ArchiveSource
from streamer.transport.embedded import EmbeddedKafka
from streamer.transport.kafka_admin import create_topics
from tests.helpers.once import made_once
from tests.helpers.s3 import S3, environment, running_s3

# Kept between sessions: the jars are fetched once for a checkout.
JARS = Path(__file__).parents[1] / ".streamer" / "cache"

SMALL_WORLD = SimulationConfig(users=200, merchants=60, days=200, seed=5)
"""What tests simulate; its first 20 days train the bundle."""

IMPATIENT = {"transaction.abort.timed.out.transaction.cleanup.interval.ms": "500"}
"""Brokers look every ten seconds for transactions past their time-out; tests need not wait for that."""

# How long an example takes is a matter of what else the machine does.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

# The same for whatever is tested in one process, and tests leave processors to brokers and workers.
use_one_thread()

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
    with EmbeddedKafka(tmp_path_factory.mktemp("kafka"), cache=jars, properties=IMPATIENT) as broker:
        yield broker.bootstrap


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """URL of a running S3 server."""
    with running_s3() as endpoint:
        yield endpoint


@pytest.fixture
def s3(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> S3:
    """That server, for this test's environment."""
    for name, value in environment(s3_endpoint).items():
        monkeypatch.setenv(name, value)
    return S3()


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


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small bundle, trained for real on a small simulated world."""
    return made_once(tmp_path_factory, "model", train_small_bundle) / "bundle"


def train_small_bundle(folder: Path) -> Path:
    """Train a bundle on the first days of the small world; return its folder, a new one in `folder`."""
    to_file(simulate(SMALL_WORLD, range(20)), folder / "history.parquet")
    history = collect(ArchiveSource(folder / "history.parquet"), Settings(), newest=6_000, progress=lambda _: None)
    new = NewBundle(folder / "bundle", "tests", "1", created_at=SMALL_WORLD.start)
    train_bundle(history, new, TrainingConfig(seed=7, epochs=2), lambda _: None)
    return folder / "bundle"
