"""How good a ranking is: figures from risks and the truth."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATES = (0.001, 0.005, 0.01)


@dataclass(frozen=True, slots=True)
class Quality:
    """Figures of one score.

    Attributes:
        auc: area under the ROC curve: chance that a fraud outranks an honest event; ties count half.
        average_precision: area under the precision-recall curve, as the mean of the precisions
            at each fraud, tied events taken together.
        recall_at: for each alert rate, the share of frauds among the events above it.
        precision_at: for each alert rate, the share of these events that are fraud.
        episodes_at: for each alert rate, the share of episodes with an event above it.
    """

    auc: float
    average_precision: float
    recall_at: Mapping[float, float]
    precision_at: Mapping[float, float]
    episodes_at: Mapping[float, float]


def quality(score: NDArray[np.floating], fraud: NDArray[np.bool_], episode: NDArray[np.int64] | None = None) -> Quality:
    """Judge a score.

    Args:
        score: (N,) finite; higher is worse.
        fraud: (N,) the truth.
        episode: (N,) number of the episode a fraud belongs to; unused for honest events. None
            counts each fraud as its own episode.

    Raises:
        ValueError: there is no fraud, or no honest event.
    """
    frauds = int(fraud.sum())
    if frauds in {0, len(fraud)}:
        raise ValueError(f"{frauds} of {len(fraud)} events are fraud: a ranking needs both kinds")
    order = np.argsort(-score, kind="stable")
    ranked, truth = score[order], fraud[order]
    groups = np.arange(len(fraud)) if episode is None else episode
    top = {rate: order[: max(1, round(rate * len(score)))] for rate in RATES}
    episodes = len(np.unique(groups[fraud]))
    return Quality(
        auc=_auc(score, fraud),
        average_precision=_average_precision(ranked, truth),
        recall_at={rate: float(fraud[rows].sum() / frauds) for rate, rows in top.items()},
        precision_at={rate: float(fraud[rows].mean()) for rate, rows in top.items()},
        episodes_at={rate: len(np.unique(groups[rows][fraud[rows]])) / episodes for rate, rows in top.items()},
    )


def _auc(score: NDArray[np.floating], fraud: NDArray[np.bool_]) -> float:
    """Return the Mann-Whitney statistic over its maximum, with mean ranks for ties."""
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    frauds = int(fraud.sum())
    honest = len(fraud) - frauds
    return float((rank[fraud].sum() - frauds * (frauds + 1) / 2) / (frauds * honest))


def _average_precision(ranked: NDArray[np.floating], truth: NDArray[np.bool_]) -> float:
    """Return the sum of precision × gain of recall over the distinct thresholds."""
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    caught = np.cumsum(truth)[last]
    precision = caught / (last + 1)
    gained = np.diff(caught, prepend=0) / truth.sum()
    return float((precision * gained).sum())
