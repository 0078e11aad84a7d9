"""A disk without room for snapshots costs snapshots, nothing else."""

from streamer.scrape import Scrape
from tests.faults.surroundings import FullDisk
from tests.faults.trial import Trial, payments

ROOM_BYTES = 60_000
"""Less than a snapshot of more than a few users takes; the log fits."""


def test_no_room_for_snapshots(trial: Trial) -> None:
    trial.feed(payments(1_200))
    running = trial.start("worker", FullDisk(ROOM_BYTES), changes={"worker.max_poll_records": "10"})
    trial.wait("everything is committed", trial.done)
    told = Scrape.of(running.metrics())
    assert running.stop() == 0, trial.tell()
    assert told.samples["streamer_snapshots_total", (("outcome", "failed"),)] > 0
    assert trial.said("snapshot could not be written")
    folder = trial.folder / "snapshots"
    assert not list(folder.rglob("*.partial"))
    full = trial.offsets()
    assert not {int(each.stem) for each in folder.rglob("*.snapshot")} & set(full.values())

    trial.feed(payments(1_800)[1_200:])
    trial.finish(trial.start("worker"))
    assert {int(each.stem) for each in folder.rglob("*.snapshot")} >= set(trial.offsets().values())
    trial.check()
