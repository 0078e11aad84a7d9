"""How long it takes: stages of a turn, and latency from the record's timestamp on."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Histogram

from streamer.metrics.array_histogram import ArrayHistogram
from streamer.metrics.stages import STAGES, StageTimes

_STAGE_BOUNDS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 30.0)
_LATENCY_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0)
_BATCH_BOUNDS = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000)


class SpeedMetrics:
    """Times stages and latencies."""

    def __init__(self, registry: CollectorRegistry, now: Callable[[], float], worked: Callable[[], float]) -> None:
        """Declare them; `now` and `worked` as in `StageTimes`."""
        self._stages = Histogram(
            "streamer_stage_seconds",
            "Time of each stage in one turn; together they are the loop's time.",
            ["stage"],
            buckets=_STAGE_BOUNDS,
            registry=registry,
        )
        stages = {name: self._stages.labels(name) for name in STAGES}
        self.times = StageTimes(lambda name, seconds: stages[name].observe(seconds), now=now, worked=worked)
        self._batch = Histogram(
            "streamer_batch_records", "Records in one turn.", buckets=_BATCH_BOUNDS, registry=registry
        )
        self._latency = ArrayHistogram(
            "streamer_alert_latency_seconds", "From produced to alert acknowledged.", _LATENCY_BOUNDS, registry
        )
        self._event_latency = ArrayHistogram(
            "streamer_event_latency_seconds", "From produced to committed, all transactions.", _LATENCY_BOUNDS, registry
        )

    def stage(self, name: str) -> AbstractContextManager[None]:
        """Time a stage of the loop; what a stage within it takes is not counted twice."""
        return self.times.stage(name)

    def batch(self, size: int) -> None:
        """Count the records of one turn."""
        self._batch.observe(size)
        self.times.took_in(size)

    def alert_latency(self, seconds: NDArray[np.floating]) -> None:
        """Count times from produced to alert acknowledged; clocks that disagree count as 0."""
        self._latency.observe(np.maximum(seconds, 0.0))

    def event_latency(self, seconds: NDArray[np.floating]) -> None:
        """Count times from produced to committed; clocks that disagree count as 0."""
        self._event_latency.observe(np.maximum(seconds, 0.0))
