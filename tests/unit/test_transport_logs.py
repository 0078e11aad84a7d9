"""kafka-python's lines are heard, but not over and over."""

import logging
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import kafka
import pytest

from streamer.transport.kafka_logs import ECHOES, QUIET_S, SparseForwarder, tame_logs
from streamer.transport.kafka_sockets import Network, OpenSockets


class Heard(logging.Handler):
    """Remembers the texts that reach it."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def sparse(heard: Heard) -> SparseForwarder:
    return SparseForwarder(heard.handle)


@pytest.fixture
def kafka_logger() -> Iterator[logging.Logger]:
    """kafka-python's logger, as it was before anybody connected, and as it was found afterwards."""
    logger = logging.getLogger("kafka")
    before = logger.level, logger.propagate, logger.handlers
    logger.level, logger.propagate, logger.handlers = logging.NOTSET, True, []
    yield logger
    logger.level, logger.propagate, logger.handlers = before


def line(
    text: str, *args: object, at_s: float, number: int = 1, level: int = logging.ERROR, logger: str = "kafka.cluster"
) -> logging.LogRecord:
    record = logging.LogRecord(logger, level, "cluster.py", number, text, args, None)
    record.created = at_s
    return record


def test_the_first_of_every_kind_is_heard_at_once(sparse: SparseForwarder, heard: Heard) -> None:
    for number in range(5):
        sparse.handle(line("failure %d", number, at_s=100.0, number=number))
    assert heard.texts == [f"failure {number}" for number in range(5)]


def test_repetitions_are_counted_and_the_count_is_told(sparse: SparseForwarder, heard: Heard) -> None:
    for tenth in range(250):
        sparse.handle(line("connection %s lost", tenth, at_s=1_000.0 + tenth / 10))
    assert heard.texts == [
        "connection 0 lost",
        "connection 100 lost (and 99 times since this was logged last)",
        "connection 200 lost (and 99 times since this was logged last)",
    ]


def test_what_was_silent_for_long_speaks_plainly(sparse: SparseForwarder, heard: Heard) -> None:
    sparse.handle(line("back again", at_s=0.0))
    sparse.handle(line("back again", at_s=QUIET_S))
    assert heard.texts == ["back again", "back again"]


@pytest.mark.parametrize(
    ("logger", "text"),
    [
        ("kafka.net.transport", "<KafkaTCPTransport [none]>: Error receiving network data closing socket"),
        ("kafka.net.manager", "Bootstrap failed: KafkaTimeoutError: Unable to bootstrap from ['localhost:1']"),
        ("kafka.net.connection", "<KafkaConnection node_id=bootstrap-0 (disconnected)>: Connection lost: refused"),
        ("kafka.producer.sender", "<Sender>: Error sending produce request to node 1: Cancelled"),
        ("kafka.cluster", "Metadata refresh: failed Cancelled"),
    ],
)
def test_what_other_lines_tell_and_what_closing_causes_is_not_heard(
    sparse: SparseForwarder, heard: Heard, logger: str, text: str
) -> None:
    sparse.handle(line(text, at_s=0.0, logger=logger))
    assert heard.texts == []


def test_a_step_that_takes_long_is_not_heard(caplog: pytest.LogCaptureFixture) -> None:
    steps: list[str] = []

    async def slow() -> None:
        time.sleep(0.15)  # more than kafka-python likes
        steps.append("done")

    with closing(Network(OpenSockets())) as network:
        network.run(slow)
    assert steps == ["done"]
    assert caplog.records == []


def test_a_lost_connection_is_heard_with_its_cause(sparse: SparseForwarder, heard: Heard) -> None:
    text = "<KafkaConnection node_id=1 (disconnected)>: Connection lost: KafkaConnectionError: socket disconnected"
    sparse.handle(line(text, at_s=0.0, logger="kafka.net.connection"))
    assert heard.texts == [text]


@pytest.mark.parametrize("part", sorted(part for parts in ECHOES.values() for part in parts))
def test_every_line_that_is_left_out_is_one_that_kafka_python_writes(part: str) -> None:
    # If a new release words it otherwise, it is heard again.
    sources = Path(kafka.__file__).parent.rglob("*.py")
    assert any(part in path.read_text(encoding="utf-8") for path in sources)


def test_taming_twice_forwards_once_and_hides_no_cause_from_listeners(
    kafka_logger: logging.Logger, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    tame_logs()
    tame_logs()
    kafka_logger.addHandler(heard)
    for _ in range(3):
        logging.getLogger("kafka.net.manager").error("no way to %s", "broker")
    assert heard.texts == ["no way to broker"] * 3
    assert [record.getMessage() for record in caplog.records] == ["no way to broker"]


@pytest.mark.usefixtures("kafka_logger")
def test_requests_with_passwords_are_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        tame_logs()
        logging.getLogger("kafka.net.connection").debug("request with a password")
    assert caplog.records == []
