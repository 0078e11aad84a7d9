"""Several detectors as one: weighted witnesses on a calibrated scale.

    raw scores -> tails (each detector) -> weighted sum -> tail of the sum = risk

Tails are logarithms of rarity, so a witness who is sure outweighs many who are calm: a sum of
tails is no average of opinions. The weights are those by which the held-back windows are best
told from plausible corruptions of themselves; true labels are not needed. A plain maximum of
tails was tried and does worse: it listens to the witness with the most chance alarms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.api import Detector, Floats, Windows
from detectors.calibration import TailCurve, TailCurves

LEAST_WEIGHT = 0.3
"""In simulated worlds the average precision is flat from 0.2 to 0.3 and falls on both sides."""

_DESCENT_STEPS = 1_000
_SHRINKAGE = 1e-3


@dataclass(frozen=True, slots=True)
class Judgement:
    """Scores of B windows by D detectors.

    Attributes:
        raw: (B, D) float32, each detector's own scale.
        tails: (B, D) float32, -ln of the share of ordinary windows that score as high.
        risk: (B,) float32, the same for the ensemble.
    """

    raw: Floats
    tails: Floats
    risk: Floats

    def rows(self, index: NDArray[np.intp] | slice) -> "Judgement":
        """Select windows."""
        return Judgement(self.raw[index], self.tails[index], self.risk[index])


@dataclass(frozen=True)
class Ensemble:
    """Detectors, their calibration, their weights, and the calibration of the whole.

    Attributes:
        detectors: D of them.
        curves: from each one's raw score to its tail.
        weights: (D,) float64, positive, the largest 1.
        fusion: from the weighted sum of tails to the risk.
    """

    detectors: tuple[Detector, ...]
    curves: tuple[TailCurve, ...]
    weights: NDArray[np.float64]
    fusion: TailCurve

    @classmethod
    def calibrate(cls, detectors: Sequence[Detector], ordinary: Windows, suspicious: Windows) -> Self:
        """Put detectors on one scale.

        Args:
            detectors: finished ones, at least one.
            ordinary: windows that none of them was trained on.
            suspicious: the like of what is looked for.
        """
        scores = [detector.score(ordinary) for detector in detectors]
        curves = [TailCurve.fit(each) for each in scores]
        calm = np.stack([curve(each) for curve, each in zip(curves, scores, strict=True)], axis=1)
        alarmed = np.stack([c(d.score(suspicious)) for c, d in zip(curves, detectors, strict=True)], axis=1)
        weights = separating_weights(calm, alarmed)
        return cls(tuple(detectors), tuple(curves), weights, TailCurve.fit_sums(calm @ weights))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the detectors, in the order of the columns of a judgement."""
        return tuple(detector.name for detector in self.detectors)

    @cached_property
    def _side_by_side(self) -> TailCurves:
        return TailCurves(self.curves)

    def judge(self, windows: Windows) -> Judgement:
        """Score windows; each row gets the same bits whichever rows stand beside it."""
        windows = windows.for_several()
        return self.fuse(np.stack([detector.score(windows) for detector in self.detectors], axis=1))

    def fuse(self, raw: Floats) -> Judgement:
        """Judge by (B, D) raw scores, one column a detector."""
        tails = self._side_by_side(raw)
        # Summed column by column: a matrix product may round otherwise in other batches.
        heard = np.zeros(len(raw))
        for place, weight in enumerate(self.weights):
            heard += weight * tails[:, place]
        return Judgement(raw, tails, self.fusion(heard))

    def explain(self, windows: Windows) -> Floats:
        """Judge windows and return their `reasons`."""
        windows = windows.for_several()
        return self.reasons(windows, self.judge(windows))

    def reasons(self, windows: Windows, judgement: Judgement) -> Floats:
        """Return (B, F) float32 shares of the features in the risk; a row sums to 1, or to 0.

        Each detector divides its part of the weighted sum among the features.

        Args:
            windows: B of them.
            judgement: what `judge` said of them.
        """
        voices = judgement.tails * self.weights
        shares = [_normalised(detector.explain(windows)) for detector in self.detectors]
        heard = sum(voices[:, place, None] * share for place, share in enumerate(shares))
        return _normalised(np.asarray(heard, np.float32))


def separating_weights(calm: Floats, alarmed: Floats) -> NDArray[np.float64]:
    """Return the weights of a logistic regression that tells two kinds of tails apart.

    Fitted by projected gradient descent: a weight below 0 would let a detector speak for
    innocence. None falls below LEAST_WEIGHT: what the suspicious windows do not show, a
    detector may still see.

    Args:
        calm: (N, D) tails of ordinary windows.
        alarmed: (M, D) tails of suspicious ones.
    """
    tails = np.concatenate([calm, alarmed]).astype(np.float64)
    truth = np.concatenate([np.zeros(len(calm)), np.ones(len(alarmed))])
    scale = tails.std(axis=0) + 1e-9
    scaled = tails / scale
    weights = np.ones(tails.shape[1])
    bias = 0.0
    for _ in range(_DESCENT_STEPS):
        surprise = 1 / (1 + np.exp(-(scaled @ weights + bias))) - truth
        weights = np.maximum(weights - scaled.T @ surprise / len(truth) - _SHRINKAGE * weights, 0.0)
        bias -= surprise.mean()
    natural = weights / scale
    largest = natural.max()
    return np.maximum(natural / largest, LEAST_WEIGHT) if largest > 0 else np.ones(len(natural))


def _normalised(parts: Floats) -> Floats:
    total = parts.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(parts, total, out=np.zeros_like(parts), where=total > 0))
