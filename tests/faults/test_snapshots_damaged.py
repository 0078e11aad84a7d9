"""Snapshots that cannot be used are passed over, loudly, and cost no bit."""

from collections.abc import Callable
from pathlib import Path

import pytest

from streamer.scrape import Scrape
from tests.faults.saboteur import Trap
from tests.faults.surroundings import LaterFormat
from tests.faults.trial import Trial, payments


def truncate(snapshot: Path) -> None:
    data = snapshot.read_bytes()
    snapshot.write_bytes(data[: len(data) // 2])


def flip_a_bit(snapshot: Path) -> None:
    data = bytearray(snapshot.read_bytes())
    data[len(data) // 2] ^= 0x10
    snapshot.write_bytes(data)


def come_from_the_future(snapshot: Path) -> None:
    later = int(snapshot.stem) + 1_000_000
    snapshot.rename(snapshot.with_name(f"{later:020d}.snapshot"))


def newest(trial: Trial) -> list[Path]:
    """Return the newest snapshot of each partition."""
    folders = {each.parent for each in (trial.folder / "snapshots").rglob("*.snapshot")}
    return [max(folder.glob("*.snapshot")) for folder in sorted(folders)]


@pytest.mark.parametrize("damage", [truncate, flip_a_bit, come_from_the_future])
def test_damaged(damage: Callable[[Path], None], trial: Trial) -> None:
    trial.feed(payments(900))
    trial.finish(trial.start("worker"))
    damaged = newest(trial)
    assert len(damaged) == 3
    for snapshot in damaged:
        damage(snapshot)
    trial.feed(payments(1_500)[900:])
    running = trial.start("worker")
    trial.wait("everything is committed", trial.done)
    assert Scrape.of(running.metrics()).total("streamer_unusable_snapshots_total") >= 3
    assert running.stop() == 0, trial.tell()
    assert len(trial.said("trying an older one")) >= 3
    trial.check()


def test_damaged_ones_are_replaced(trial: Trial) -> None:
    """By good ones of the same place in the log, so that only one start has to do without."""
    trial.feed(payments(900))
    trial.finish(trial.start("worker"))
    for snapshot in newest(trial):
        flip_a_bit(snapshot)
    for before, after in ((900, 1_000), (1_000, 1_100)):
        trial.feed(payments(after)[before:])
        trial.finish(trial.start("worker"))
        assert len(trial.said("trying an older one")) == 3
    trial.check()


def test_of_a_later_program(trial: Trial) -> None:
    trial.feed(payments(900))
    trial.finish(trial.start("worker", LaterFormat()))
    assert len(newest(trial)) == 3
    trial.feed(payments(1_500)[900:])
    trial.finish(trial.start("worker"))
    assert len(trial.said("trying an older one")) >= 3
    assert {line["how"] for line in trial.said("partition goes on")[-3:]} == {"look_back"}
    trial.check()


def test_cut_short_by_a_kill_leaves_the_one_before(trial: Trial) -> None:
    one_name = {"kafka.group_instance_id": "one"}
    trial.feed(payments(1_500))
    running = trial.start("worker", Trap("save_part", 30, "after"), changes=one_name)
    trial.killed(running)
    trial.finish(trial.start("worker", changes=one_name))
    assert "snapshot" in {line["how"] for line in trial.said("partition goes on")}
    assert not trial.said("trying an older one")
    trial.check()
