"""One feature path: the live worker and replays give the same bits."""

from pathlib import Path

import numpy as np

from streamer.recorder import read_recorded
from streamer.simulate.stream import simulate
from streamer.simulate.to_file import to_file
from tests.conftest import SMALL_WORLD
from tests.helpers.forked import forked_worker, run_forked
from tests.helpers.worker import Topics, command_arguments, eventually
from tests.integration.test_worker_run import first_days, messages_of

DAYS = 30
PARTITIONS = 3


def test_live_and_replayed_tensors_and_risks_are_equal_bit_for_bit(kafka: str, bundle: Path, tmp_path: Path) -> None:
    topics = Topics(kafka).create(PARTITIONS)
    events = first_days(DAYS)
    to_file(simulate(SMALL_WORLD, range(20, 20 + DAYS)), tmp_path / "events.parquet")
    # Two productions with a running worker in between: its batches are of its own making.
    live = tmp_path / "live"
    with forked_worker(topics, bundle, tmp_path / "log", "--record-tensors", str(live)) as running:
        for start in range(0, len(events), 2_500):
            topics.produce(messages_of(events[start : start + 2_500], topics.transactions))
        eventually("all events are judged", lambda: topics.committed() == len(events))
        assert running.stop() == 0
    flags = {**topics.flags, "worker.bundle": str(bundle)}
    sources = {
        "topic": ("--from-topic", "--set", "worker.max_poll_records=777"),
        "file": ("--data", str(tmp_path / "events.parquet"), "--partitions", str(PARTITIONS)),
    }
    recorded = read_recorded(live)
    assert len(recorded["risk"]) == len(events)
    for name, flags_of_source in sources.items():
        folder = tmp_path / name
        done = run_forked(
            command_arguments("replay", flags, *flags_of_source, "--record-tensors", str(folder), "--json")
        )
        assert done.returncode == 0, done.stderr
        replayed = read_recorded(folder)
        for column, values in recorded.items():
            assert values.tobytes() == replayed[column].tobytes(), f"{column} of the {name} differs"
    assert np.isfinite(recorded["risk"]).all()
