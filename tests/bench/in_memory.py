"""The whole pipeline on records in memory: from bytes to messages, without a broker."""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import numpy as np
from numpy.typing import NDArray

from streamer.events.record import Record
from streamer.pipeline import Pipeline, Stage
from streamer.settings import AlertSettings, Settings
from tests.bench.timing import EVENTS_PER_S, US_PER_EVENT, Measurement, repeat
from tests.bench.workload import BATCH, WORLD, Workload

_ALERTED_BATCHES = 1


class StageTimes:
    """Seconds spent in each stage."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        self.seconds[name] += time.perf_counter() - begin


def judging(workload: Workload, times: int) -> Iterator[Measurement]:
    """Judge everything, with fresh state each time."""

    alerts = 0

    def run() -> float:
        nonlocal alerts
        pipeline = _pipeline(workload, Settings(), lambda _: nullcontext())
        begin = time.perf_counter()
        alerts = _process(pipeline, workload.batches)
        return time.perf_counter() - begin

    seconds, count = repeat(times, run), len(workload.records)
    yield Measurement("pipeline in memory", "all", EVENTS_PER_S, tuple(count / each for each in seconds))
    yield Measurement("pipeline in memory", "each", US_PER_EVENT, tuple(each / count * 1e6 for each in seconds))
    yield Measurement("pipeline in memory", "alerts raised", "per 1,000 events", (alerts / count * 1e3,))


def alerting(workload: Workload, times: int) -> Measurement:
    """Raise an alert for nearly every event: explain, build, encode."""
    everything = AlertSettings(alerts_per_million=999_999.0, suppress_s=0.0)

    def run() -> float:
        stages = StageTimes()
        pipeline = _pipeline(workload, Settings(alerts=everything), stages)
        alerts = _process(pipeline, workload.batches[:_ALERTED_BATCHES])
        return stages.seconds["alert"] / alerts * 1e6

    return Measurement("parts", "alert", "µs/alert", repeat(times, run))


def risks(workload: Workload, events: int) -> NDArray[np.float32]:
    """Return the risk of about so many of the first events."""
    pipeline = _pipeline(workload, Settings(), lambda _: nullcontext())
    batches = workload.batches[: events // BATCH]
    parts = [part for batch in batches for part in pipeline.process(batch, now_ms=WORLD.start)]
    return np.concatenate([part.judgement.risk for part in parts])


def _pipeline(workload: Workload, settings: Settings, stage: Stage) -> Pipeline:
    return Pipeline(settings, workload.bundle, worker="bench", version="0", replay=False, stage=stage)


def _process(pipeline: Pipeline, batches: Sequence[Sequence[Record]]) -> int:
    """Return how many messages came of it."""
    return sum(len(part.messages) for batch in batches for part in pipeline.process(batch, now_ms=WORLD.start))
