"""From raw scores to tails: how rare is a score as high among ordinary ones, as -ln p.

Tails of different detectors are comparable, and keep their meaning when a detector is trained
anew. Where held-back scores end, an exponential tail goes on: the mean excess over a high
threshold is its scale (Pickands, Balkema and de Haan: the generalised Pareto law with shape 0),
but never less than that of the decade of rarity below the threshold: a bounded score has hardly
any excess, and the first one beyond would pass for a miracle.

Sums of tails are no such scores: tails are exponential by their making, so far out their sums are too.
The law may begin earlier there, by more scores, which makes the same threshold mean the same from one
training to the next.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.api import Floats
from detectors.compiled import compiled_cached

HIGHEST = 40.0
"""Largest tail, a rarity of 4e-18: no calibration knows more."""

_TOP_SHARE = 0.0005
_TOP_SHARE_OF_SUMS = 0.03
_TOP_LEAST = 50
_KNOTS = 128
_DISTINCT = 8
_FARTHEST = 1e300


@dataclass(frozen=True)
class TailCurve:
    """A non-decreasing map from scores to tails.

    Attributes:
        scores: (K,) float64, ascending.
        tails: (K,) float64, -ln P(score >= x) at these scores, ascending.
        scale: score units in which the probability falls by e beyond the last knot; infinite
            where scores are too few or too coarse to tell.
    """

    scores: NDArray[np.float64]
    tails: NDArray[np.float64]
    scale: float

    @classmethod
    def fit(cls, scores: NDArray[np.floating]) -> Self:
        """Learn from the scores of ordinary windows that no model was trained on.

        Args:
            scores: (N,) finite raw scores, N at least 1.

        Raises:
            ValueError: there are none, or one is not finite.
        """
        values = _ascending(scores)
        top = _top(len(values), _TOP_SHARE)
        decade = (values[-top] - values[-min(10 * top, len(values))]) / np.log(10)
        return cls._by_law(values, top, decade)

    @classmethod
    def fit_sums(cls, sums: NDArray[np.floating]) -> Self:
        """Learn from weighted sums of the tails of ordinary windows.

        Args:
            sums: (N,) finite, N at least 1.

        Raises:
            ValueError: there are none, or one is not finite.
        """
        values = _ascending(sums)
        return cls._by_law(values, _top(len(values), _TOP_SHARE_OF_SUMS), 0.0)

    @classmethod
    def _by_law(cls, values: NDArray[np.float64], top: int, least: float) -> Self:
        """Count up to the `top` largest of ascending values; from there on a law goes on, of this scale at least."""
        distinct, first = np.unique(values, return_index=True)
        tails = -np.log((len(values) - first) / len(values))
        threshold = values[-top]
        excess = values[-top:] - threshold
        smooth = len(np.unique(excess)) >= _DISTINCT
        scale = float(max(excess.mean(), least)) if smooth else np.inf
        if smooth:
            # Above the threshold the law replaces the last, noisy steps of the count.
            below = distinct <= threshold
            distinct, tails = distinct[below], tails[below]
        kept = _thin(tails)
        return cls(distinct[kept], tails[kept], scale)

    def __call__(self, scores: NDArray[np.floating]) -> Floats:
        """Return the tails of raw scores, in their shape; at most HIGHEST. Scores count as 32-bit floats."""
        return self._alone(scores.reshape(-1, 1)).reshape(scores.shape)

    @cached_property
    def _alone(self) -> "TailCurves":
        return TailCurves([self])

    @property
    def slopes(self) -> NDArray[np.float64]:
        """(K,), by how much the tail rises with the score from each knot to the next, and beyond the last one."""
        return np.append(np.diff(self.tails) / np.diff(self.scores), 1 / self.scale)

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return what a bundle keeps."""
        return {"scores": self.scores, "tails": self.tails, "scale": np.array([self.scale])}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        """Restore what `arrays` gave.

        Raises:
            ValueError: the arrays are no curve: not ascending, or not finite.
        """
        scores = np.asarray(arrays["scores"], np.float32).astype(np.float64)  # as scores are
        tails = np.asarray(arrays["tails"], np.float64)
        scales = np.asarray(arrays["scale"], np.float64)
        if (scores.ndim, tails.ndim, scales.shape) != (1, 1, (1,)):
            raise ValueError(f"not a tail curve: shapes {scores.shape}, {tails.shape} and {scales.shape}")
        scale = float(scales[0])
        rising = len(scores) > 0 and len(scores) == len(tails) and (np.diff(scores) > 0).all()
        if not rising or (np.diff(tails) < 0).any() or not np.isfinite(tails).all() or not scale > 0:
            raise ValueError("not a tail curve: scores must rise, tails must not fall, the scale must be positive")
        return cls(scores, tails, scale)


class TailCurves:
    """P curves, asked all at once: one by one they would take five times as long."""

    def __init__(self, curves: Sequence[TailCurve]) -> None:
        """Put the knots of all curves side by side.

        Args:
            curves: P of them.
        """
        self.curves = tuple(curves)
        self._scores = np.concatenate([curve.scores for curve in curves]).astype(np.float32)
        self._tails = np.concatenate([curve.tails for curve in curves])
        self._slopes = np.concatenate([curve.slopes for curve in curves])
        self._ends = np.cumsum([len(curve.scores) for curve in curves])

    def __len__(self) -> int:
        """Return P."""
        return len(self.curves)

    def __call__(self, scores: NDArray[np.floating]) -> Floats:
        """Return the (B, P) tails of (B, P) raw scores, one column a curve; at most HIGHEST."""
        # A row a curve, as they are written, and mostly read, curve by curve.
        tails = np.empty(scores.shape[::-1], np.float32)
        _read(np.ascontiguousarray(scores), self._scores, self._tails, self._slopes, self._ends, tails)
        return tails.T


@compiled_cached
def _read(
    asked: NDArray[np.floating],
    scores: Floats,
    tails: NDArray[np.float64],
    slopes: NDArray[np.float64],
    ends: NDArray[np.intp],
    found: Floats,
) -> None:
    """Read (P, B) tails of (B, P) scores off P curves.

    A score between two knots is as rare as the upper one says, at most: rounding up the position
    would leap, so the tail rises evenly between them.
    """
    rows = len(asked)
    own = np.empty(rows, np.float32)
    place = np.empty(rows, np.uint32)
    start = 0
    for column, end in enumerate(ends):
        knots, values, rises = scores[start:end], tails[start:end], slopes[start:end]
        width = end - start
        start = end
        for row in range(rows):
            own[row] = asked[row, column]
            place[row] = 0
        # All rows halve together: a search row by row stumbles over branches that nothing predicts.
        while width > 1:
            half = width // 2
            for row in range(rows):
                place[row] += half * (knots[place[row] + half] <= own[row])
            width -= half
        for row in range(rows):
            below = place[row]
            # Before the first knot nothing is less rare; what is infinite is far, and no more.
            offset = min(max(np.float64(own[row]) - np.float64(knots[below]), 0.0), _FARTHEST)
            found[column, row] = min(values[below] + rises[below] * offset, HIGHEST)


def _ascending(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    # Raw scores are 32-bit floats; closer neighbours would make slopes that overflow.
    values = np.sort(np.asarray(scores, np.float32).astype(np.float64))
    if len(values) == 0 or not np.isfinite(values).all():
        raise ValueError(f"a tail curve needs finite scores and at least one, not {len(values)} with NaN or inf")
    return values


def _top(count: int, share: float) -> int:
    return min(max(_TOP_LEAST, round(share * count)), count)


def _thin(tails: NDArray[np.float64]) -> NDArray[np.intp]:
    """Choose at most _KNOTS knots, evenly spaced in rarity, the first and the last among them."""
    if len(tails) <= _KNOTS:
        return np.arange(len(tails))
    wanted = np.linspace(tails[0], tails[-1], _KNOTS // 2)
    by_tail = np.searchsorted(tails, wanted).clip(max=len(tails) - 1)
    by_rank = np.linspace(0, len(tails) - 1, _KNOTS // 2).astype(np.intp)
    return np.unique(np.concatenate([by_tail, by_rank]))
