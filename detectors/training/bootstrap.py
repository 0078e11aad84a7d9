"""How sure figures are: intervals by resampling users.

Payments of one user are no independent witnesses: a burst of fraud is found whole or missed whole.
So users are drawn with replacement, each with all of its payments, and a figure is computed for
each draw; the middle 95 % of these are the interval (the percentile bootstrap of clusters: Efron
and Tibshirani 1993; Field and Welsh 2007).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.training.evaluate import RATES

DRAWS = 400
SHARE = 0.95

Weights = NDArray[np.float64]
"""(N,) how often each payment counts."""

Measure = Callable[[Weights], Mapping[str, float]]
"""Figures by name, of payments that count so often; a figure that is not defined is left out."""


class Interval(msgspec.Struct, frozen=True):
    """A figure and where it would lie, for other users, 95 times in 100."""

    value: float
    low: float
    high: float


def draws(user: NDArray[np.int64], count: int, rng: np.random.Generator) -> Iterator[Weights]:
    """Yield how often each payment counts in each draw of users.

    Args:
        user: (N,) number of each payment's user, from 0.
        count: how many draws.
        rng: draws.
    """
    users = int(user.max()) + 1 if len(user) else 0
    for _ in range(count):
        yield np.bincount(rng.integers(users, size=users), minlength=users)[user].astype(np.float64)


def intervals(
    measure: Measure, user: NDArray[np.int64], rng: np.random.Generator, *, count: int = DRAWS
) -> dict[str, Interval]:
    """Return figures with their intervals.

    Args:
        measure: computes the figures.
        user: see `draws`.
        rng: draws users.
        count: how many draws.
    """
    values = measure(np.ones(len(user)))
    drawn: dict[str, list[float]] = {name: [] for name in values}
    for weights in draws(user, count, rng):
        for name, value in measure(weights).items():
            if name in drawn:
                drawn[name].append(value)
    return {name: _interval(value, drawn[name]) for name, value in values.items()}


def _interval(value: float, drawn: list[float]) -> Interval:
    low, high = np.quantile(drawn or [value], [(1 - SHARE) / 2, (1 + SHARE) / 2])
    return Interval(float(value), float(low), float(high))


@dataclass(frozen=True, slots=True)
class Ranking:
    """A score against the truth, sorted once for many draws.

    Attributes:
        order: (N,) rows, the riskiest first.
        ends: (K,) where each of the K distinct scores ends in that order.
        fraud: (N,) bool, the truth, in that order.
    """

    order: NDArray[np.intp]
    ends: NDArray[np.intp]
    fraud: NDArray[np.bool_]

    @classmethod
    def of(cls, score: NDArray[np.floating], fraud: NDArray[np.bool_]) -> Self:
        """Sort.

        Args:
            score: (N,) finite, N at least 1; higher is worse.
            fraud: (N,) the truth.
        """
        order = np.argsort(-score, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
        return cls(order, ends, fraud[order])

    def figures(self, weights: Weights) -> dict[str, float]:
        """Return AUC, average precision and recall by alert rate; none where one kind is missing.

        Tied payments are taken together: the rate that ends among them finds its share of them.
        """
        counted = weights[self.order]
        every, found = np.cumsum(counted)[self.ends], np.cumsum(counted * self.fraud)[self.ends]
        total, frauds = every[-1], found[-1]
        if frauds in {0.0, total}:
            return {}
        gained, passed = np.diff(found, prepend=0.0), every - found
        innocent = np.diff(passed, prepend=0.0)
        honest = total - frauds
        precision = np.divide(found, every, out=np.zeros_like(found), where=every > 0)
        at = _found_at(RATES, every, found)
        return {
            "auc": float((gained * (honest - passed + innocent / 2)).sum() / (frauds * honest)),
            "average_precision": float((precision * gained).sum() / frauds),
            **{f"recall_at_{rate:g}": float(recall / frauds) for rate, recall in zip(RATES, at, strict=True)},
        }

    def recall_at(self, rates: Sequence[float]) -> NDArray[np.float64]:
        """Return the share of frauds found where so large shares of the payments are looked at; ties as above."""
        frauds = max(int(self.fraud.sum()), 1)
        return _found_at(rates, self.ends + 1.0, np.cumsum(self.fraud)[self.ends] / frauds)

    def curve(self, points: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return at most so many points of the precision-recall curve: recalls, ascending, and precisions."""
        found = np.cumsum(self.fraud)[self.ends]
        precision, recall = found / (self.ends + 1), found / max(int(self.fraud.sum()), 1)
        # Evenly spread in recall: most payments stand where nothing is found any more.
        wanted = np.searchsorted(recall, np.linspace(0, recall[-1], points)).clip(max=len(recall) - 1)
        kept = np.unique(wanted)
        return recall[kept], precision[kept]


def _found_at(rates: Sequence[float], every: NDArray[np.floating], found: NDArray[np.floating]) -> NDArray[np.float64]:
    at = np.interp(np.multiply(rates, every[-1]), np.append(0.0, every), np.append(0.0, found))
    return np.asarray(at, np.float64)
