"""Joins risks with the truth."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.training.evaluate import Quality, quality
from streamer.clock import Clock
from streamer.pipeline import Pipeline
from streamer.replay import replay
from streamer.transport.base import Source

DAY_MS = 86_400_000
BATCH = 10_000
ENSEMBLE = "ensemble"


@dataclass(frozen=True, slots=True)
class Judged:
    """Judged events whose truth is known.

    Attributes:
        risk: (N,) float32, fused tail.
        tails: (N, D) float32, each detector's tail.
        fraud: (N,) bool.
        episode: (N,) int64, number of the burst of a fraud; each fraud its own where unknown.
        timestamp: (N,) int64, milliseconds since the epoch.
        unlabelled: events left out because no label was found.
    """

    risk: NDArray[np.float32]
    tails: NDArray[np.float32]
    fraud: NDArray[np.bool_]
    episode: NDArray[np.int64]
    timestamp: NDArray[np.int64]
    unlabelled: int

    def after(self, *, days: float) -> "Judged":
        """Leave out the first days, in which the state was still empty."""
        if not len(self.timestamp):
            return self
        kept = self.timestamp >= self.timestamp.min() + days * DAY_MS
        return Judged(
            self.risk[kept],
            self.tails[kept],
            self.fraud[kept],
            self.episode[kept],
            self.timestamp[kept],
            self.unlabelled,
        )


def judge(
    source: Source,
    pipeline: Pipeline,
    clock: Clock,
    labels: Mapping[str, bool],
    episodes: Mapping[str, str],
    *,
    progress: Callable[[int], None],
) -> Judged:
    """Judge a bounded source and match the events with labels by transaction id."""
    numbers: dict[str, int] = {}
    risk = [np.empty(0, np.float32)]
    tails = [np.empty((0, len(pipeline.detector_names)), np.float32)]
    times = [np.empty(0, np.int64)]
    fraud: list[bool] = []
    episode: list[int] = []
    unlabelled = 0
    for outcome in replay(source, pipeline, clock, max_records=BATCH):
        for part in outcome:
            ids = part.advance.batch.transaction_id
            known = [row for row, name in enumerate(ids) if name in labels]
            unlabelled += len(ids) - len(known)
            risk.append(part.judgement.risk[known])
            tails.append(part.judgement.tails[known])
            times.append(part.advance.batch.timestamp[known])
            fraud += [labels[ids[row]] for row in known]
            episode += [numbers.setdefault(episodes.get(ids[row], ids[row]), len(numbers)) for row in known]
            progress(part.received)
    return Judged(
        np.concatenate(risk),
        np.concatenate(tails),
        np.array(fraud, np.bool_),
        np.array(episode, np.int64),
        np.concatenate(times),
        unlabelled,
    )


def voices(judged: Judged, names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """Return the scores of the ensemble and of each detector alone, by name."""
    return {ENSEMBLE: judged.risk, **{name: judged.tails[:, place] for place, name in enumerate(names)}}


def qualities(judged: Judged, names: Sequence[str]) -> dict[str, Quality]:
    """Judge the ensemble and each detector alone.

    Raises:
        ValueError: only one kind of event is left.
    """
    return {name: quality(score, judged.fraud, judged.episode) for name, score in voices(judged, names).items()}
