"""When snapshots are taken, and what becomes of them."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from streamer.clock import ManualClock
from streamer.errors import SnapshotError
from streamer.events.record import TopicPartition
from streamer.metrics import Metrics, new_registry
from streamer.partition import Partition
from streamer.settings import Settings, load
from streamer.snapshots import Snapshots
from tests.helpers.snapshots import LOG_ID, bits
from tests.property.test_snapshot_image import event_of
from tests.property.test_state import batch_of

FIRST, SECOND = TopicPartition("payments", 0), TopicPartition("payments", 1)


class World:
    """Two partitions of a worker, and its snapshots in a folder."""

    def __init__(self, folder: Path, **changes: str) -> None:
        self.folder = folder
        self.clock = ManualClock(1_700_000_000.0)
        self.settings: Settings = load(
            None, {"snapshots.url": str(folder), "snapshots.interval_s": "60", "snapshots.keep": "2", **changes}
        )
        self.registry = new_registry()
        self.metrics = Metrics(self.registry)
        self.snapshots = self.new_snapshots()
        self.partitions = {source: Partition(self.settings, log_id=LOG_ID) for source in (FIRST, SECOND)}
        for partition in self.partitions.values():
            self.read(partition, 20)

    def new_snapshots(self, **changes: float) -> Snapshots:
        return Snapshots(self.settings, metrics=self.metrics, clock=self.clock, **changes)

    def file(self, offset: int) -> Path:
        return self.folder / f"fraud-streamer/payments/0/{offset:020d}.snapshot"

    def succeed(self) -> None:
        """Let a process that knows nothing take over."""
        self.snapshots.close()
        self.snapshots = self.new_snapshots()

    def make_anew(self, log_id: str | None) -> None:
        """Let a process take over that finds another topic under the same name, of as many records."""
        self.succeed()
        self.partitions = {FIRST: Partition(self.settings, log_id=log_id)}
        self.read(self.partitions[FIRST], 20)

    def read(self, partition: Partition, count: int) -> None:
        numbers = range(partition.next_offset, partition.next_offset + count)
        partition.state.advance(batch_of([event_of(number, user=f"u{number}") for number in numbers]))
        partition.policy.restore([(f"u{numbers[-1]}", numbers[-1], "high", 2)])
        partition.next_offset += count

    def turn(self, *, wait_s: float = 30.0) -> None:
        """Turn until nothing is under way any more."""
        self.snapshots.turn(self.partitions)
        while (running := self.snapshots._running) is not None:
            self.snapshots.turn(self.partitions)
            running.job.wait(timeout_s=0.01)

    def outcomes(self) -> tuple[int, int, int]:
        return (self.count("written"), self.count("failed"), self.count("abandoned"))

    def count(self, outcome: str) -> int:
        return int(self.registry.get_sample_value("streamer_snapshots_total", {"outcome": outcome}) or 0)

    def stored_at(self, source: TopicPartition) -> float | None:
        labels = {"topic": source.topic, "partition": str(source.partition)}
        return self.registry.get_sample_value("streamer_snapshot_timestamp_seconds", labels)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "state")
    yield made
    made.snapshots.close()


def test_each_partition_has_its_turn_within_the_interval_and_again_after_it(world: World) -> None:
    times: dict[TopicPartition, list[float]] = {FIRST: [], SECOND: []}
    for second in range(130):
        for partition in world.partitions.values():
            world.read(partition, 1)
        world.turn()
        for source, found in times.items():
            newest = world.snapshots.offsets(source)[:1]
            if newest == [world.partitions[source].next_offset]:
                found.append(second)
        world.clock.advance(1)
    assert times[FIRST] == [0, 60, 120]
    assert times[SECOND] == [39, 99]
    assert len(world.snapshots.offsets(FIRST)) == 2


def test_a_snapshot_comes_back_as_the_partition_it_is_of(world: World) -> None:
    world.turn()
    partition = world.partitions[FIRST]
    loaded = world.snapshots.load(FIRST, 20, log_id=LOG_ID)
    assert (loaded.next_offset, loaded.published_to) == (20, 0)
    assert bits(loaded.state) == bits(partition.state)
    assert loaded.policy.export() == partition.policy.export() == [("u19", 19, "high", 2)]


def test_nothing_new_is_not_stored_again_but_is_as_good_as_new(world: World) -> None:
    world.turn()
    begun = world.clock.wall()
    assert world.stored_at(FIRST) == begun
    world.clock.advance(61)
    world.partitions = {FIRST: world.partitions[FIRST]}
    world.turn()
    assert world.outcomes() == (1, 0, 0)
    assert world.stored_at(FIRST) == begun + 61


def test_what_was_just_loaded_is_not_stored_again(world: World) -> None:
    world.turn()
    successor = world.new_snapshots()
    loaded = successor.load(FIRST, 20, log_id=LOG_ID)
    successor.turn({FIRST: loaded})
    assert successor._running is None
    successor.close()


def test_a_snapshot_is_of_the_turn_it_began_with(world: World) -> None:
    partition = world.partitions[FIRST]
    begun = bits(partition.state)
    world.snapshots.turn(world.partitions)
    world.read(partition, 30)
    world.turn()
    assert world.snapshots.offsets(FIRST) == [20]
    assert bits(world.snapshots.load(FIRST, 20, log_id=LOG_ID).state) == begun


def test_what_goes_elsewhere_is_stored_at_once(world: World) -> None:
    world.snapshots.turn(world.partitions)
    world.read(world.partitions[FIRST], 1)
    world.snapshots.hand_over(FIRST, world.partitions[FIRST])
    world.snapshots.hand_over(SECOND, world.partitions[SECOND])
    assert world.snapshots.offsets(FIRST)[0] == 21
    assert world.snapshots.offsets(SECOND) == [20]
    assert bits(world.snapshots.load(FIRST, 21, log_id=LOG_ID).state) == bits(world.partitions[FIRST].state)


def test_what_is_stored_already_is_not_stored_again_when_it_goes(world: World) -> None:
    world.turn()
    world.snapshots.hand_over(FIRST, world.partitions[FIRST])
    assert world.outcomes() == (1, 0, 0)


def test_one_under_way_is_finished_when_its_partition_goes_unchanged(world: World) -> None:
    world.snapshots.turn(world.partitions)
    world.snapshots.hand_over(FIRST, world.partitions[FIRST])
    assert world.outcomes() == (1, 0, 0)


def test_a_partition_that_was_lost_stores_nothing(world: World) -> None:
    world.snapshots.turn(world.partitions)
    running = world.snapshots._running
    assert running is not None
    world.snapshots.forget(FIRST)
    outcome = running.job.wait(timeout_s=30)
    assert outcome is not None
    assert outcome.cause == "abandoned"
    assert world.snapshots.offsets(FIRST) == []
    assert list(world.folder.rglob("*.partial")) == []
    world.partitions[FIRST].state.begin_image().abandon()


def test_failures_are_counted_each_and_logged_once_until_it_works_again(world: World) -> None:
    world.folder.write_text("in the way")
    with capture_logs() as logs:
        for _ in range(3):
            world.turn()
            world.clock.advance(61)
        failed = world.outcomes()
        world.folder.unlink()
        world.turn()
        world.turn()
        world.clock.advance(61)
        shutil.rmtree(world.folder)
        world.folder.write_text("in the way")
        world.read(world.partitions[FIRST], 1)
        world.turn()
    assert failed[0] == 0
    assert failed[1] >= 3
    assert [entry["log_level"] for entry in logs] == ["error", "info", "error"]
    assert "Not a directory" in logs[0]["cause"]


class Gate:
    """A store that hangs until it is let go."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open = threading.Event()
        store = world.snapshots._store
        write = store.write

        def slowly(source: TopicPartition, offset: int, content: Callable[..., int]) -> object:
            self.open.wait(30)
            return write(source, offset, content)

        monkeypatch.setattr(store, "write", slowly)


def test_a_store_that_hangs_holds_nobody_up_for_longer_than_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path / "state", **{"snapshots.handover_s": "0.05"})
    gate = Gate(world, monkeypatch)
    with capture_logs() as logs:
        world.snapshots.hand_over(FIRST, world.partitions[FIRST])
        world.snapshots.hand_over(SECOND, world.partitions[SECOND])
        world.snapshots.close()
    assert [entry["log_level"] for entry in logs] == ["warning"]
    assert world.outcomes() == (0, 0, 1)
    gate.open.set()


def test_a_store_that_hangs_does_not_stop_the_turns(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(world, monkeypatch)
    for _ in range(100):
        world.snapshots.turn(world.partitions)
        world.read(world.partitions[FIRST], 1)
    assert world.outcomes() == (0, 0, 0)
    gate.open.set()
    world.turn()
    assert world.snapshots.offsets(FIRST)[-1] == 20


def test_a_renamed_snapshot_is_refused(world: World) -> None:
    world.turn()
    world.file(20).rename(world.file(30))
    with pytest.raises(SnapshotError, match="is of offset 20: it was renamed"):
        world.snapshots.load(FIRST, 30, log_id=LOG_ID)


def test_without_a_place_there_are_no_snapshots() -> None:
    with pytest.raises(SnapshotError, match=r"snapshots\.url is not set"):
        Snapshots(Settings(), metrics=Metrics(new_registry()), clock=ManualClock())
