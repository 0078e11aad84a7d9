"""What a score is worth at every threshold, in points that can be drawn."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.training.bootstrap import Ranking

POINTS = 100
RATES = tuple(round(float(rate), 6) for rate in np.geomspace(1e-4, 1, 41))
"""Alert rates, ten to a power of ten."""


@dataclass(frozen=True, slots=True)
class Curves:
    """Points of two curves.

    Attributes:
        recall: where the precision-recall curve has points, ascending.
        precision: at these.
        alert_rate: shares of the payments that are looked at, the riskiest first.
        recall_at_rate: share of the frauds found at these.
    """

    recall: tuple[float, ...]
    precision: tuple[float, ...]
    alert_rate: tuple[float, ...]
    recall_at_rate: tuple[float, ...]


def curves_of(score: NDArray[np.floating], fraud: NDArray[np.bool_]) -> Curves:
    """Trace a score's curves.

    Args:
        score: (N,) finite, N at least 1; higher is worse.
        fraud: (N,) the truth.
    """
    ranking = Ranking.of(score, fraud)
    recall, precision = ranking.curve(POINTS)
    return Curves(rounded(recall), rounded(precision), RATES, rounded(ranking.recall_at(RATES)))


def rounded(values: Iterable[float]) -> tuple[float, ...]:
    """Return values as a file of text holds them: to six places."""
    return tuple(round(float(value), 6) for value in values)
