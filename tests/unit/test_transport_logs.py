"""kafka-python's lines are heard, but not over and over."""

import logging
from collections.abc import Iterator

import pytest

from streamer.transport.kafka_logs import QUIET_S, SparseForwarder, tame_logs


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


def line(text: str, *args: object, at_s: float, number: int = 1, level: int = logging.ERROR) -> logging.LogRecord:
    record = logging.LogRecord("kafka.cluster", level, "cluster.py", number, text, args, None)
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
