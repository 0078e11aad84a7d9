from collections.abc import Iterator
from pathlib import Path

import pytest
from pyarrow import parquet

from streamer.errors import ArchiveError, TransportError
from streamer.events.decode import decode
from streamer.settings import EventSettings
from streamer.simulate.config import SimulationConfig
from streamer.simulate.event import SimulatedEvent, encode
from streamer.simulate.pace import paced
from streamer.simulate.stream import simulate
from streamer.simulate.tally import Tally
from streamer.simulate.to_file import to_file
from streamer.simulate.to_topic import to_topic
from streamer.transport.archive import ArchiveSource
from streamer.transport.archive_labels import read_episodes, read_labels
from streamer.transport.memory import MemoryBroker

CONFIG = SimulationConfig(users=60, merchants=40, days=3, episodes_per_1000_user_days=60)


@pytest.fixture(scope="module")
def events() -> list[SimulatedEvent]:
    return list(simulate(CONFIG))


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.mark.parametrize("name", ["events.parquet", "events.csv", "events.jsonl", "EVENTS.NDJSON"])
def test_a_file_gives_back_what_was_written(tmp_path: Path, events: list[SimulatedEvent], name: str) -> None:
    path = tmp_path / name
    to_file(events, path)
    records = ArchiveSource(path).poll(timeout_s=0, max_records=len(events) + 1)
    batch, rejected = decode(records, EventSettings())
    assert rejected == []
    assert batch.transaction_id == tuple(event.transaction.transaction_id for event in events)
    assert batch.amount.tolist() == [event.transaction.amount for event in events]
    assert batch.timestamp.tolist() == [event.transaction.timestamp for event in events]
    assert batch.device_id == tuple(event.transaction.device_id for event in events)
    assert batch.located.tolist() == [event.transaction.latitude is not None for event in events]
    assert read_labels(path) == {str(each.transaction_id): fraud is not None for each, fraud, _ in events}
    assert read_episodes(path) == {str(each.transaction_id): episode for each, _, episode in events if episode}
    assert list(tmp_path.iterdir()) == [path]


def test_parquet_rows_become_the_bytes_of_the_topic(tmp_path: Path, events: list[SimulatedEvent]) -> None:
    path = tmp_path / "events.parquet"
    to_file(events, path)
    records = ArchiveSource(path).poll(timeout_s=0, max_records=len(events))
    assert [record.value for record in records] == [encode(event.transaction) for event in events]


def test_parquet_has_the_documented_types(tmp_path: Path, events: list[SimulatedEvent]) -> None:
    path = tmp_path / "events.parquet"
    to_file(events, path)
    schema = parquet.read_schema(path)
    types = {name: str(schema.field(name).type) for name in schema.names}
    assert types["timestamp"] == "int64"
    assert types["is_fraud"] == "bool"
    assert types["fraud_kind"] == types["episode_id"] == "string"


def test_an_interrupted_file_leaves_the_older_one(tmp_path: Path, events: list[SimulatedEvent]) -> None:
    def interrupted() -> Iterator[SimulatedEvent]:
        yield events[0]
        raise KeyboardInterrupt

    path = tmp_path / "events.csv"
    path.write_text("older", encoding="utf-8")
    with pytest.raises(KeyboardInterrupt):
        to_file(interrupted(), path)
    assert path.read_text(encoding="utf-8") == "older"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "said"), [("events.avro", "no known format"), ("absent/events.csv", "cannot be written")]
)
def test_an_unusable_target_is_named(tmp_path: Path, events: list[SimulatedEvent], name: str, said: str) -> None:
    with pytest.raises(ArchiveError, match=said):
        to_file(events, tmp_path / name)


def test_a_topic_gets_every_transaction_by_user_and_no_truth(events: list[SimulatedEvent]) -> None:
    broker = MemoryBroker({"transactions": 4}, now_ms=lambda: 7)
    to_topic(events, broker.producer(), "transactions", now=FakeTime().now)
    records = broker.records("transactions")
    assert sorted(record.value or b"" for record in records) == sorted(encode(event.transaction) for event in events)
    assert {record.timestamp for record in records} == {7}
    places: dict[bytes | None, set[int]] = {}
    for record in records:
        places.setdefault(record.key, set()).add(record.partition)
    assert all(len(partitions) == 1 for partitions in places.values())


def test_records_may_bear_the_event_time(events: list[SimulatedEvent]) -> None:
    broker = MemoryBroker({"transactions": 1}, now_ms=lambda: 7)
    to_topic(events, broker.producer(), "transactions", now=FakeTime().now, keep_event_time=True)
    times = [record.timestamp for record in broker.records("transactions")]
    assert times == [event.transaction.timestamp for event in events]


def test_a_missing_topic_is_an_error(events: list[SimulatedEvent]) -> None:
    broker = MemoryBroker({"transactions": 1}, now_ms=lambda: 7)
    with pytest.raises(TransportError, match="absent"):
        to_topic(events, broker.producer(), "absent", now=FakeTime().now)


def test_slow_simulations_are_acknowledged_as_they_go(events: list[SimulatedEvent]) -> None:
    time = FakeTime()
    broker = MemoryBroker({"transactions": 1}, now_ms=lambda: 7)
    written: list[int] = []

    def watched() -> Iterator[SimulatedEvent]:
        for event in paced(events[:10], rate=2.0, now=time.now, sleep=time.sleep):
            written.append(len(broker.records("transactions")))
            yield event

    to_topic(watched(), broker.producer(), "transactions", now=time.now)
    assert written[-1] >= 7


def test_pacing_keeps_the_rate(events: list[SimulatedEvent]) -> None:
    time = FakeTime()
    passed = [time.now() for _ in paced(events[:101], rate=20.0, now=time.now, sleep=time.sleep)]
    assert passed[-1] == pytest.approx(5.0, abs=0.01)
    assert passed[50] == pytest.approx(2.5, abs=0.01)


def test_pacing_makes_up_for_lost_time(events: list[SimulatedEvent]) -> None:
    time = FakeTime()
    for number, _ in enumerate(paced(events[:101], rate=20.0, now=time.now, sleep=time.sleep)):
        if number == 50:
            time.sleep(1.0)
    assert time.now() == pytest.approx(5.0, abs=0.01)


def test_the_tally_counts_what_passes(events: list[SimulatedEvent]) -> None:
    tally = Tally()
    assert list(tally.watch(events)) == events
    assert tally.events == len(events)
    assert tally.fraud.total() == sum(event.fraud is not None for event in events)
    assert sum(tally.episodes.values()) == len({event.episode for event in events} - {None})
