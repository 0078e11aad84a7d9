"""The loop: what it reads, holds back and gives up."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from streamer.bundles import open_bundle
from streamer.clock import ManualClock
from streamer.errors import FencedError, RetriableTransportError, StreamerError
from streamer.events.record import Message, TopicPartition
from streamer.settings import Settings
from streamer.transport.memory import MemoryBroker
from streamer.transport.memory_consumer import MemoryConsumer
from tests.helpers.lives import NOW_MS, Life, offsets_committed, outputs, settings_for

PLACES = [TopicPartition("transactions", number) for number in range(2)]
PAYMENT = b'{"transaction_id":"t%d","user_id":"u%d","amount":1,"timestamp":%d}'


class World:
    """A broker and the workers on it."""

    def __init__(self, bundle: Path, changes: Mapping[str, str]) -> None:
        self.settings: Settings = settings_for(None, {"worker.max_poll_records": "10", **changes})
        self.clock = ManualClock(NOW_MS / 1000)
        self.broker = MemoryBroker(
            {"transactions": 2, "alerts": 1, "dead-letters": 1, "scores": 1}, now_ms=lambda: NOW_MS
        )
        self._bundle = open_bundle(bundle)
        self._born = 0
        self._sent = 0

    def worker(self, *, looks: int = 0) -> Life:
        self._born += 1
        return Life(self.broker, self.settings, self._bundle, self.clock, f"w{self._born}", looks=looks)

    def send(self, count: int, value: Callable[[int], bytes] | None = None) -> None:
        producer = self.broker.producer()
        for number in range(self._sent, self._sent + count):
            plain = PAYMENT % (number, number % 7, 1_700_000_000_000 + number)
            producer.send(Message("transactions", b"u%d" % (number % 7), value(number) if value else plain))
        producer.flush(timeout_s=1)
        self._sent += count

    def committed(self) -> int:
        return offsets_committed(self.broker, self.settings, PLACES)

    def scored(self) -> int:
        return len(outputs(self.broker, self.settings)["scores"])


MakeWorld = Callable[..., World]


@pytest.fixture
def world(bundle: Path) -> MakeWorld:
    def make(**changes: str) -> World:
        return World(bundle, {name.replace("__", "."): value for name, value in changes.items()})

    return make


def turns(worker: Life, count: int) -> None:
    for _ in range(count):
        worker.turn()


def test_while_outputs_are_not_taken_nothing_more_is_read_and_the_group_is_kept(world: MakeWorld) -> None:
    here = world(worker__commit_interval_ms="0")
    worker = here.worker()
    worker.turn()
    here.send(100)
    here.broker.fail_transactions = lambda: "lost"
    for _ in range(5):
        worker.turn()
    assert here.committed() == here.scored() == 0
    assert any("outputs are not taken" in fault for fault in worker.health.faults_of_readiness())
    assert worker.health.faults_of_life() == []
    here.broker.fail_transactions = lambda: None
    worker.turn()
    assert here.committed() == here.scored() == 10, "only the batch in hand was read meanwhile"
    for _ in range(20):
        worker.turn()
    assert here.committed() == here.scored() == 100
    assert worker.health.faults_of_readiness() == []


def test_a_partition_that_comes_while_outputs_are_not_taken_is_not_read(world: MakeWorld) -> None:
    here = world(worker__commit_interval_ms="0")
    first, second = here.worker(), here.worker()
    for _ in range(4):
        first.turn()
        second.turn()
    here.send(60)
    here.broker.fail_transactions = lambda: "lost"
    first.turn()
    second.die()
    for _ in range(5):
        first.turn()
    here.broker.fail_transactions = lambda: None
    first.turn()
    assert here.scored() <= 10
    for _ in range(20):
        first.turn()
    assert here.committed() == here.scored() == 60


def test_a_worker_that_loses_all_it_had_in_hand_reads_on(world: MakeWorld) -> None:
    here = world(worker__commit_interval_ms="0")
    worker = here.worker()
    worker.turn()
    here.send(60)
    here.broker.fail_transactions = lambda: "lost"
    turns(worker, 3)
    assert any("outputs are not taken" in fault for fault in worker.health.faults_of_readiness())
    worker.lose_membership()
    here.broker.fail_transactions = lambda: None
    turns(worker, 20)
    assert here.committed() == here.scored() == 60
    assert worker.health.faults_of_readiness() == []


def test_delivering_is_timed_only_when_there_is_something_to_deliver(world: MakeWorld) -> None:
    here = world(worker__commit_interval_ms="0")
    worker = here.worker(looks=4)
    here.send(10)
    turns(worker, 10)
    assert here.committed() == 10
    # One turn begins the transaction, one takes up its end; those between and after only look.
    assert worker.value("streamer_stage_seconds_count", stage="deliver") == 2


def test_what_an_earlier_run_evicted_is_not_counted_again(world: MakeWorld, tmp_path: Path) -> None:
    here = world(state__users="2", snapshots__url=str(tmp_path))
    first = here.worker()
    here.send(60)
    for _ in range(30):
        here.clock.advance(1)
        first.turn()
    evicted = first.value("streamer_evictions_total", kind="user")
    assert evicted
    first.stop()
    second = here.worker()
    for _ in range(10):
        here.clock.advance(1)
        second.turn()
    assert second.value("streamer_restores_total", how="snapshot") == 2
    assert second.value("streamer_evictions_total", kind="user") == 0
    assert second.value("streamer_users", topic="transactions", partition="0") is not None


def test_nothing_of_a_partition_survives_its_loss(world: MakeWorld) -> None:
    here = world()
    first = here.worker()
    here.send(60)
    for _ in range(30):
        here.clock.advance(1)
        first.turn()
    gauges = ("streamer_users", "streamer_lag_records", "streamer_restore_records", "streamer_state_bytes")
    second = here.worker()
    for _ in range(6):
        second.turn()
        first.turn()
    kept = [
        number
        for number in range(2)
        if first.value("streamer_users", topic="transactions", partition=str(number)) is not None
    ]
    assert len(kept) == 1
    for name in gauges:
        assert first.value(name, topic="transactions", partition=str(1 - kept[0])) is None


def test_too_many_dead_letters_end_the_worker_before_they_are_committed(world: MakeWorld) -> None:
    here = world(dead_letters__min_records="20", worker__commit_interval_ms="0")
    worker = here.worker()
    here.send(200, lambda number: b"rubbish %d" % number)
    with pytest.raises(StreamerError, match="dead_letters"):
        turns(worker, 30)
    committed = here.committed()
    assert committed < 40
    assert len(outputs(here.broker, here.settings)["dead-letters"]) == committed


def test_progress_of_a_restore_is_told(world: MakeWorld) -> None:
    here = world(worker__commit_interval_ms="0")
    first = here.worker()
    here.send(100)
    for _ in range(30):
        first.turn()
    first.stop()
    second = here.worker()
    second.turn()
    assert any("being restored" in fault for fault in second.health.faults_of_readiness())
    for _ in range(30):
        second.turn()
    assert second.health.faults_of_readiness() == []
    assert here.scored() == 100, "what was published before is not published again"
    assert second.value("streamer_restore_records", topic="transactions", partition="0") == 0


def test_a_new_group_that_starts_at_the_end_loses_nothing_by_a_crash_before_its_first_commit(world: MakeWorld) -> None:
    here = world(kafka__auto_offset_reset="latest", worker__commit_interval_ms="0")
    first = here.worker()
    first.turn()
    first.die()
    here.send(30)
    second = here.worker()
    turns(second, 20)
    assert here.scored() == 30


def test_nothing_of_a_fenced_workers_partitions_stays_in_metrics_and_health(world: MakeWorld) -> None:
    def fence() -> None:
        raise FencedError("another process took over")

    here = world(worker__commit_interval_ms="0")
    worker = here.worker()
    here.send(10)
    turns(worker, 5)
    here.send(10)
    here.broker.fail_transactions = lambda: "lost"
    turns(worker, 2)
    assert set(worker.health.stalls()) == set(PLACES)
    assert any("outputs are not taken" in fault for fault in worker.health.faults_of_readiness())
    here.broker.fail_transactions = fence
    with pytest.raises(FencedError):
        worker.run()
    assert worker.health.stalls() == {}
    assert not any("outputs are not taken" in fault for fault in worker.health.faults_of_readiness())
    for number in range(2):
        assert worker.value("streamer_users", topic="transactions", partition=str(number)) is None


def test_a_broker_that_tells_no_positions_is_logged_when_it_begins_and_when_it_ends(
    world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world()
    worker = here.worker()
    worker.turn()

    def silent(*_: object) -> dict[TopicPartition, int]:
        raise RetriableTransportError("no answer")

    with capture_logs() as logs:
        with monkeypatch.context() as outage:
            outage.setattr(MemoryConsumer, "end_offsets", silent)
            for _ in range(5):
                here.clock.advance(2)
                worker.turn()
        for _ in range(3):
            here.clock.advance(2)
            worker.turn()
    told = [(line["event"], line.get("after_seconds")) for line in logs if "positions" in line["event"]]
    assert told == [("positions are unknown; asking until they are known", None), ("positions are known again", 10.0)]
