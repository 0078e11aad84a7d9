"""A classifier: learns from labelled windows how confirmed fraud differs.

    window -> backbone ─┬─> two layers ─> logit ─> calibrated log-odds of fraud
    last features ──────┘

For when labels exist. Whoever gives them must give only what was known by then: a fraud that was
reported later than training began would not have been known in production either. Losses for
rare classes shift and bend the logit, so it is put right by a logistic regression on held-back
windows: Platt 1999.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.api import FeatureTable, Floats, Windows
from detectors.models.trained import Trained
from detectors.models.verdict import Verdict, falls, stored_typical, typical_last, verdict_inputs

_LEAST_SLOPE = 0.05
"""A logit that tells nothing on a few held-back windows must not lose its order, let alone turn it round."""


@dataclass(frozen=True, slots=True)
class ClassifierConfig:
    """What the network is made of.

    Attributes:
        backbone: a name in BACKBONES.
        width: D, size of the summary of a window.
        hidden: width of the layers on top.
    """

    backbone: str = "tcn"
    width: int = 32
    hidden: int = 64


class ClassifierNetwork(Verdict):
    """Tells fraud."""

    def __init__(self, config: ClassifierConfig, table: FeatureTable) -> None:
        """Make the layers."""
        super().__init__(table, backbone=config.backbone, width=config.width, hidden=config.hidden)


@dataclass(frozen=True, slots=True)
class Classifier:
    """The detector: the log-odds of fraud.

    Attributes:
        trained: the network and its inputs.
        slope: of the log-odds over the logit, positive.
        intercept: of the same line.
        typical: (F,) float32, scaled medians of the features, which explanations put in their place.
    """

    trained: Trained[ClassifierConfig, ClassifierNetwork]
    slope: float
    intercept: float
    typical: Floats

    name = "classifier"

    @classmethod
    def calibrate(
        cls, trained: Trained[ClassifierConfig, ClassifierNetwork], held_back: Windows, fraud: NDArray[np.bool_]
    ) -> Self:
        """Finish a trained network.

        Args:
            trained: the network and its inputs.
            held_back: windows that it was not trained on.
            fraud: which of them are; without one, logits stay as they are.
        """
        logit = trained.outputs(*verdict_inputs(held_back, trained.scaling))
        slope, intercept = platt(logit, fraud)
        return cls(trained, slope, intercept, typical_last(held_back, trained.scaling))

    def score(self, windows: Windows) -> Floats:
        """See `Detector.score`: the log-odds of fraud."""
        logit = self.trained.outputs(*verdict_inputs(windows, self.trained.scaling))
        return np.float32(self.slope) * logit + np.float32(self.intercept)

    def probability(self, windows: Windows) -> Floats:
        """Return (B,) the probability of fraud."""
        # tanh does not overflow.
        return np.asarray(0.5 + 0.5 * np.tanh(self.score(windows) / 2), np.float32)

    def explain(self, windows: Windows) -> Floats:
        """See `Detector.explain`: how much the log-odds fall when a directed feature is a typical one."""
        return falls(self.trained, windows, self.typical) * np.float32(self.slope)

    def config(self) -> dict[str, object]:
        """Return what a bundle's manifest keeps."""
        return self.trained.config()

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return what a bundle keeps."""
        line = np.array([self.slope, self.intercept])
        return {**self.trained.arrays(), "typical": self.typical, "line": line}

    @classmethod
    def load(cls, table: FeatureTable, config: Mapping[str, object], arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        """Restore what `config` and `arrays` gave.

        Raises:
            ValueError: an array is missing or does not fit.
        """
        trained = Trained.load(ClassifierConfig, ClassifierNetwork, table, config, arrays)
        line = np.asarray(arrays.get("line", ()), np.float64)
        if line.shape != (2,) or not np.isfinite(line).all() or line[0] <= 0:
            raise ValueError(f"the array line must be a positive slope and an intercept, not {line.tolist()}")
        return cls(trained, float(line[0]), float(line[1]), stored_typical(arrays, table))


def platt(logit: Floats, fraud: NDArray[np.bool_]) -> tuple[float, float]:
    """Return slope and intercept of the log-odds of fraud over a logit.

    Fitted by Newton's method to Platt's targets, which lie a little inside 0 and 1, so that perfect
    separation has an answer.

    Args:
        logit: (N,) of windows that the network was not trained on.
        fraud: (N,) the truth; if all are of one kind, the line is the identity.
    """
    frauds = int(fraud.sum())
    if frauds in {0, len(fraud)}:
        return 1.0, 0.0
    target = np.where(fraud, (frauds + 1) / (frauds + 2), 1 / (len(fraud) - frauds + 2))
    inputs = np.stack([logit.astype(np.float64), np.ones(len(logit))], axis=1)
    line = np.array([1.0, 0.0])
    loss = _log_loss(inputs @ line, target)
    for _ in range(50):
        odds = inputs @ line
        share = 0.5 + 0.5 * np.tanh(odds / 2)
        gradient = inputs.T @ (share - target)
        curvature = (inputs.T * (share * (1 - share))) @ inputs + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        # A full step may overshoot where the curve is flat.
        for _ in range(30):
            if _log_loss(inputs @ (line - step), target) <= loss:
                break
            step /= 2
        line = line - step
        before, loss = loss, _log_loss(inputs @ line, target)
        if before - loss < 1e-9 * len(fraud):
            break
    return max(float(line[0]), _LEAST_SLOPE), float(line[1])


def _log_loss(odds: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    return float((np.logaddexp(0, odds) - target * odds).sum())
