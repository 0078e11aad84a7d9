"""From raw scores to tails: how rare is a score as high among ordinary ones, as -ln p.

Tails of different detectors are comparable, and keep their meaning when a detector is trained
anew. Where held-back scores end, an exponential tail goes on: the mean excess over a high
threshold is its scale (Pickands, Balkema and de Haan: the generalised Pareto law with shape 0),
but never less than that of the decade of rarity below the threshold: a bounded score has hardly
any excess, and the first one beyond would pass for a miracle.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.api import Floats

HIGHEST = 40.0
"""Largest tail, a rarity of 4e-18: no calibration knows more."""

_TOP_SHARE = 0.0005
_TOP_LEAST = 50
_KNOTS = 1_024
_DISTINCT = 8


@dataclass(frozen=True, slots=True)
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
        # Raw scores are 32-bit floats; closer neighbours would make slopes that overflow.
        values = np.sort(np.asarray(scores, np.float32).astype(np.float64))
        if len(values) == 0 or not np.isfinite(values).all():
            raise ValueError(f"a tail curve needs finite scores and at least one, not {len(values)} with NaN or inf")
        distinct, first = np.unique(values, return_index=True)
        tails = -np.log((len(values) - first) / len(values))
        top = min(max(_TOP_LEAST, round(_TOP_SHARE * len(values))), len(values))
        threshold = values[-top]
        excess = values[-top:] - threshold
        smooth = len(np.unique(excess)) >= _DISTINCT
        decade = (threshold - values[-min(10 * top, len(values))]) / np.log(10)
        scale = float(max(excess.mean(), decade)) if smooth else np.inf
        if smooth:
            # Above the threshold the law replaces the last few, noisy steps of the count.
            below = distinct <= threshold
            distinct, tails = distinct[below], tails[below]
        kept = _thin(tails)
        return cls(distinct[kept], tails[kept], scale)

    def __call__(self, scores: NDArray[np.floating]) -> Floats:
        """Return the tails of raw scores, in their shape; at most HIGHEST."""
        values = np.asarray(scores, np.float64)
        # A score between two knots is as rare as the upper one says, at most: rounding up the
        # position would leap, so the tail rises evenly between them.
        tails = np.interp(values, self.scores, self.tails)
        beyond = np.maximum(values - self.scores[-1], 0.0) / self.scale
        return np.asarray(np.minimum(tails + beyond, HIGHEST), np.float32)

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return what a bundle keeps."""
        return {"scores": self.scores, "tails": self.tails, "scale": np.array([self.scale])}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        """Restore what `arrays` gave.

        Raises:
            ValueError: the arrays are no curve: not ascending, or not finite.
        """
        scores = np.asarray(arrays["scores"], np.float64)
        tails = np.asarray(arrays["tails"], np.float64)
        scales = np.asarray(arrays["scale"], np.float64)
        if (scores.ndim, tails.ndim, scales.shape) != (1, 1, (1,)):
            raise ValueError(f"not a tail curve: shapes {scores.shape}, {tails.shape} and {scales.shape}")
        scale = float(scales[0])
        rising = len(scores) > 0 and len(scores) == len(tails) and (np.diff(scores) > 0).all()
        if not rising or (np.diff(tails) < 0).any() or not np.isfinite(tails).all() or not scale > 0:
            raise ValueError("not a tail curve: scores must rise, tails must not fall, the scale must be positive")
        return cls(scores, tails, scale)


def _thin(tails: NDArray[np.float64]) -> NDArray[np.intp]:
    """Choose at most _KNOTS knots, evenly spaced in rarity, the first and the last among them."""
    if len(tails) <= _KNOTS:
        return np.arange(len(tails))
    wanted = np.linspace(tails[0], tails[-1], _KNOTS // 2)
    by_tail = np.searchsorted(tails, wanted).clip(max=len(tails) - 1)
    by_rank = np.linspace(0, len(tails) - 1, _KNOTS // 2).astype(np.intp)
    return np.unique(np.concatenate([by_tail, by_rank]))
