"""What can be looked at while a model trains: how it judges by now, and what it expects."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from detectors.api import Detector, FeatureTable, Floats, Windows
from detectors.training.corruption import corrupt
from detectors.training.evaluate import quality


@dataclass(frozen=True, slots=True)
class Expectation:
    """P features of N events beside what a model expected of them, scaled; larger is riskier.

    Attributes:
        features: P names.
        came: (N, P).
        expected: (N, P) means.
        deviation: (N, P) how many expected standard deviations lie between.
    """

    features: tuple[str, ...]
    came: Floats
    expected: Floats
    deviation: Floats


@dataclass(frozen=True, slots=True)
class View:
    """A model between two epochs.

    Attributes:
        ordinary: scores of held-back windows.
        suspicious: scores of corruptions of them.
        of_ordinary: what it expected of some of the former; None where a model expects nothing.
        of_suspicious: what it expected of some of the latter.
    """

    ordinary: Floats
    suspicious: Floats
    of_ordinary: Expectation | None = None
    of_suspicious: Expectation | None = None

    def told_apart(self) -> float:
        """Return the area under the ROC curve of telling the suspicious from the ordinary."""
        score = np.concatenate([self.ordinary, self.suspicious])
        return quality(score, np.arange(len(score)) >= len(self.ordinary)).auc


@runtime_checkable
class Viewable(Protocol):
    """A task that can be looked at."""

    def view(self) -> View:
        """Judge as the finished detector would, with the networks in evaluation mode."""
        ...


@dataclass(frozen=True, slots=True)
class Pair:
    """Held-back windows, and corruptions of them."""

    ordinary: Windows
    suspicious: Windows

    @classmethod
    def of(cls, windows: Windows, table: FeatureTable) -> "Pair":
        """Corrupt windows, always in the same way."""
        return cls(windows, corrupt(windows, table, np.random.default_rng(0)))

    def scored(self, detector: Detector) -> View:
        """Return what a detector makes of both."""
        return View(detector.score(self.ordinary), detector.score(self.suspicious))
