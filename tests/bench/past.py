"""Past payments in a file: replayed, beside a worker that reads the same ones from Kafka, and learnt from."""

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import islice
from pathlib import Path

from detectors.api import FeatureTable
from detectors.training.config import Progress, TrainingConfig
from detectors.training.dataset import Parts, split_by_time
from detectors.training.fit import fit_gan, fit_vae
from streamer.clock import SystemClock
from streamer.history import History, collect
from streamer.pipeline import Pipeline
from streamer.replay import AlertFile, replay
from streamer.settings import Settings
from streamer.simulate.stream import simulate
from streamer.simulate.to_file import to_file
from streamer.state.features import TABLE
from streamer.transport.archive import ArchiveSource
from tests.bench.timing import EVENTS_PER_S, Measurement, repeat
from tests.bench.workload import BATCH, PARTITIONS, WORLD, Workload

REPLAY = "replay of a Parquet file"

_LEARNT = 25_000
"""Windows of a training, a fifth of which is held back."""

Fit = Callable[[Parts, FeatureTable, TrainingConfig, Callable[[Progress], None]], object]


def write(path: Path, *, training_events: int, events: int) -> None:
    """Write the payments of a backlog, which come after those that its bundle was trained on."""
    to_file(islice(simulate(WORLD), training_events, training_events + events), path)


def replaying(workload: Workload, path: Path, times: int) -> Measurement:
    """Judge the payments of a file as `streamer replay` does."""
    clock = SystemClock()

    def run(judged: list[int]) -> None:
        pipeline = Pipeline(
            Settings(), workload.bundle, worker="bench", version="0", replay=True, stage=lambda _: nullcontext()
        )
        source = ArchiveSource(path, partitions=PARTITIONS)
        with AlertFile(path.with_suffix(".alerts")) as alerts:
            for outcome in replay(source, pipeline, clock, max_records=BATCH):
                alerts.write(outcome)
                judged += [part.received for part in outcome]

    return Measurement("past payments", REPLAY, EVENTS_PER_S, repeat(times, lambda: _rate(run)))


def learning(path: Path, times: int) -> Iterator[Measurement]:
    """Make windows of the payments of a file, and train on the newest."""

    def read(seen: list[int]) -> History:
        return collect(ArchiveSource(path), Settings(), newest=_LEARNT, progress=seen.append)

    yield Measurement("past payments", "read into windows", EVENTS_PER_S, repeat(times, lambda: _rate(read)))
    parts = split_by_time(read([]).windows, TrainingConfig().held_back_share)
    fits: dict[str, Fit] = {"VAE": fit_vae, "GAN": fit_gan}
    for name, fit in fits.items():

        def train(learnt: list[int], fit: Fit = fit) -> object:
            return fit(parts, TABLE, TrainingConfig(seed=1, epochs=1), lambda now: learnt.append(now.windows))

        what = f"train the {name}, judging and calibration included"
        yield Measurement("past payments", what, "windows/s", repeat(times, lambda: _rate(train)))


def _rate(work: Callable[[list[int]], object]) -> float:
    """Return how many a second it was; the work adds to the list how many it did."""
    done: list[int] = []
    begin = time.perf_counter()
    work(done)
    return sum(done) / (time.perf_counter() - begin)
