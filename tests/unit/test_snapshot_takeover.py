"""Snapshots that a new owner finds and cannot use, or not in time."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from streamer.errors import SnapshotError, UnusableSnapshot
from streamer.events.record import TopicPartition
from streamer.recovery import LogBounds, recover
from streamer.snapshots import RESTORE_WITHIN_S
from streamer.state import folder, snapshot
from tests.helpers.snapshots import LOG_ID, bits
from tests.unit.test_snapshots import FIRST, SECOND, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "state")
    yield made
    made.snapshots.close()


def test_one_that_was_refused_is_replaced_though_nothing_new_was_read(world: World) -> None:
    world.turn()
    sound = world.file(20).read_bytes()
    world.file(20).write_bytes(sound[:5_000] + b"?" + sound[5_001:])
    world.succeed()
    with pytest.raises(UnusableSnapshot):
        world.snapshots.load(FIRST, 20, log_id=LOG_ID)
    assert world.file(20).exists()  # until there is something to replace it
    world.turn()
    assert world.outcomes() == (2, 0, 0)
    assert bits(world.snapshots.load(FIRST, 20, log_id=LOG_ID).state) == bits(world.partitions[FIRST].state)


def test_one_that_was_there_is_kept_and_not_counted_as_written(world: World) -> None:
    world.turn()
    sound = world.file(20).read_bytes()
    world.succeed()
    world.turn()
    assert (world.outcomes(), world.count("kept")) == ((1, 0, 0), 1)
    assert world.file(20).read_bytes() == sound


def test_one_of_a_newer_program_is_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as newer:
        newer.setattr(snapshot, "FORMAT", snapshot.FORMAT + 1)
        world.turn()
    theirs = world.file(20).read_bytes()
    world.succeed()
    with pytest.raises(SnapshotError, match="a newer program wrote it"):
        world.snapshots.load(FIRST, 20, log_id=LOG_ID)
    world.turn()
    assert (world.outcomes(), world.count("kept")) == ((1, 0, 0), 1)
    assert world.file(20).read_bytes() == theirs


def test_one_of_the_topic_that_bore_the_name_before_is_refused_and_replaced(world: World) -> None:
    world.turn()
    world.make_anew("the-log-now")
    with pytest.raises(UnusableSnapshot, match="was deleted and made anew since"):
        world.snapshots.load(FIRST, 20, log_id="the-log-now")
    world.turn()
    assert world.outcomes() == (2, 0, 0)
    assert bits(world.snapshots.load(FIRST, 20, log_id="the-log-now").state) == bits(world.partitions[FIRST].state)


def test_one_of_the_topic_before_that_nobody_has_looked_at_is_replaced_too(world: World) -> None:
    """As it was ahead of what was committed when the partition was taken over."""
    world.turn()
    world.make_anew("the-log-now")
    world.turn()
    assert (world.outcomes(), world.count("kept")) == ((2, 0, 0), 0)
    assert world.snapshots.load(FIRST, 20, log_id="the-log-now").log_id == "the-log-now"


def test_where_nobody_knows_which_log_it_is_the_one_that_is_there_is_kept(world: World) -> None:
    world.turn()
    world.make_anew(None)
    world.turn()
    assert (world.outcomes(), world.count("kept")) == ((1, 0, 0), 1)
    assert world.snapshots.load(FIRST, 20, log_id=LOG_ID).next_offset == 20


def test_one_that_could_not_be_read_is_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.turn()
    world.succeed()

    def away(path: str, flags: int) -> int:
        raise OSError("the disk is away")

    with monkeypatch.context() as broken:
        broken.setattr(folder, "_open_regular", away)
        with pytest.raises(SnapshotError, match="the disk is away"):
            world.snapshots.load(FIRST, 20, log_id=LOG_ID)
    world.turn()
    assert (world.outcomes(), world.count("kept")) == ((1, 0, 0), 1)


def test_one_that_was_refused_by_an_owner_of_before_is_left_to_the_next(world: World) -> None:
    world.turn()
    world.file(20).write_bytes(b"damaged")
    with pytest.raises(UnusableSnapshot):
        world.snapshots.load(FIRST, 20, log_id=LOG_ID)
    world.snapshots.forget(FIRST)
    world.file(20).write_bytes(b"what the next owner wrote")
    world.turn()
    assert world.file(20).read_bytes() == b"what the next owner wrote"


def test_one_that_cannot_be_deleted_is_told_and_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.turn()
    world.file(20).write_bytes(b"damaged")
    world.succeed()
    with pytest.raises(UnusableSnapshot):
        world.snapshots.load(FIRST, 20, log_id=LOG_ID)

    def refuse(source: TopicPartition, offset: int) -> None:
        raise SnapshotError("not yours")

    monkeypatch.setattr(world.snapshots._store, "discard", refuse)
    with capture_logs() as logs:
        world.turn()
    assert [(entry["log_level"], entry["cause"]) for entry in logs] == [("warning", "not yours")]
    assert (world.outcomes(), world.count("kept")) == ((1, 0, 0), 1)


def test_old_ones_that_stay_are_told_once_and_the_new_one_counts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: TopicPartition, offset: int) -> None:
        raise SnapshotError("not yours")

    monkeypatch.setattr(world.snapshots._store, "discard", refuse)
    world.partitions = {FIRST: world.partitions[FIRST]}
    with capture_logs() as logs:
        for _ in range(4):
            world.turn()
            world.read(world.partitions[FIRST], 1)
            world.clock.advance(61)
    assert world.outcomes() == (4, 0, 0)
    assert [(entry["log_level"], entry["cause"]) for entry in logs] == [("warning", "not yours")]


def test_which_one_is_read_is_told_before(world: World) -> None:
    world.turn()
    world.file(20).write_bytes(b"damaged")
    with capture_logs() as logs, pytest.raises(UnusableSnapshot):
        world.snapshots.load(FIRST, 20, log_id=LOG_ID)
    assert logs == [
        {
            "event": "snapshot is being read",
            "log_level": "info",
            "partition": "payments/0",
            "snapshot": str(world.file(20)),
        }
    ]


def test_a_place_that_hangs_costs_a_takeover_no_more_than_its_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.turn()
    impatient = world.new_snapshots(restore_within_s=0.05)
    hangs = threading.Event()

    def hang(source: TopicPartition) -> list[int]:
        hangs.wait(30)
        return [20]

    with monkeypatch.context() as broken:
        broken.setattr(impatient._store, "offsets", hang)
        bounds = LogBounds(20, 0, 20, LOG_ID)
        with capture_logs() as logs:
            restored = recover(FIRST, bounds, world.settings, impatient, world.metrics.unusable_snapshot)
            again = recover(SECOND, bounds, world.settings, impatient, world.metrics.unusable_snapshot)
    assert (restored.how, again.how) == ("look_back", "look_back")
    causes = [entry["cause"] for entry in logs if entry["log_level"] == "warning"]
    assert "listing the snapshots of payments/0 took longer than" in causes[0]
    assert "the store still hangs in an earlier call" in causes[1]
    hangs.set()
    impatient.close()


def test_listing_and_reading_share_their_time(world: World) -> None:
    world.turn()
    assert world.snapshots.offsets(FIRST) == [20]
    world.clock.advance(RESTORE_WITHIN_S)
    with pytest.raises(SnapshotError, match="no time is left"):
        world.snapshots.load(FIRST, 20, log_id=LOG_ID)
    assert world.snapshots.offsets(FIRST) == [20]
    assert world.snapshots.load(FIRST, 20, log_id=LOG_ID).next_offset == 20
