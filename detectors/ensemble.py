"""Several detectors as one: the strongest witness speaks, on a calibrated scale.

    raw scores -> tails (each detector) -> maximum -> tail of the maximum = risk

An average would let many calm witnesses outvote the one who saw something. The maximum is
larger than each of its parts by chance alone, so it is calibrated once more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from detectors.api import Detector, Floats, Windows
from detectors.calibration import TailCurve


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

    def rows(self, index: slice) -> "Judgement":
        """Select windows."""
        return Judgement(self.raw[index], self.tails[index], self.risk[index])


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Detectors, their calibration, and the calibration of their maximum."""

    detectors: tuple[Detector, ...]
    curves: tuple[TailCurve, ...]
    fusion: TailCurve

    @classmethod
    def calibrate(cls, detectors: Sequence[Detector], held_back: Windows) -> Self:
        """Put detectors on one scale.

        Args:
            detectors: finished ones, at least one.
            held_back: ordinary windows that none of them was trained on.
        """
        scores = [detector.score(held_back) for detector in detectors]
        curves = [TailCurve.fit(each) for each in scores]
        strongest = np.max([curve(each) for curve, each in zip(curves, scores, strict=True)], axis=0)
        return cls(tuple(detectors), tuple(curves), TailCurve.fit(strongest))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the detectors, in the order of the columns of a judgement."""
        return tuple(detector.name for detector in self.detectors)

    def judge(self, windows: Windows) -> Judgement:
        """Score windows; each row gets the same bits whichever rows stand beside it."""
        raw = np.stack([detector.score(windows) for detector in self.detectors], axis=1)
        tails = np.stack([curve(raw[:, place]) for place, curve in enumerate(self.curves)], axis=1)
        return Judgement(raw, tails, self.fusion(tails.max(axis=1)))

    def explain(self, windows: Windows) -> Floats:
        """Return (B, F) float32 shares of the features in the risk; a row sums to 1, or to 0.

        Each detector divides its voice among the features; its voice counts in proportion to
        the odds it gives, so that the strongest witness is heard and its equals with it.
        """
        tails = self.judge(windows).tails
        voices = np.exp(tails - tails.max(axis=1, keepdims=True))
        shares = [_normalised(detector.explain(windows)) for detector in self.detectors]
        heard = sum(voices[:, place, None] * share for place, share in enumerate(shares))
        return _normalised(np.asarray(heard, np.float32))


def _normalised(parts: Floats) -> Floats:
    total = parts.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(parts, total, out=np.zeros_like(parts), where=total > 0))
