"""Everything that can be trained and compared, by name.

A new model is one row of CANDIDATES: a function from a lesson to something that scores. A model on
another backbone than its own is named after both.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from detectors.api import FeatureTable, Floats, Windows
from detectors.baselines.one_feature import OneFeature
from detectors.ensemble import Ensemble
from detectors.models.autoregressive import AutoregressiveConfig
from detectors.models.backbones import BACKBONES
from detectors.models.classifier import ClassifierConfig
from detectors.models.gan import GanConfig
from detectors.models.tails import FeatureTails
from detectors.models.vae import VaeConfig
from detectors.registry import Storable
from detectors.training.corruption import corrupt
from detectors.training.fit import (
    Progress,
    TrainingConfig,
    fit_autoregressive,
    fit_classifier,
    fit_gan,
    fit_vae,
    split,
)

Report = Callable[[Progress], None]

DEFAULT = "tcn"
"""The backbone that a model has when none is named."""


class Scorer(Protocol):
    """What is judged: a detector, or less than one."""

    def score(self, windows: Windows) -> Floats:
        """Return (B,) float32 raw scores; higher is worse."""
        ...


@runtime_checkable
class Counted(Protocol):
    """A scorer that says itself how large it is."""

    @property
    def parameters(self) -> int:
        """How many numbers it learnt."""
        ...


@runtime_checkable
class _Kept(Protocol):
    def arrays(self) -> dict[str, NDArray[np.generic]]: ...


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a candidate learns from.

    Attributes:
        windows: N windows, oldest first.
        fraud: (N,) bool, what is known of them when training begins; None without labels.
        table: their features.
        seed: of all randomness.
    """

    windows: Windows
    fraud: NDArray[np.bool_] | None
    table: FeatureTable
    seed: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """One row of the comparison.

    Attributes:
        fit: learns.
        needs_labels: whether it can learn from labelled windows only.
        family: shared by models that differ in their backbone alone; None without a backbone.
        backbone: name of the network that reads the windows, if any.
    """

    fit: Callable[[Lesson, Report], Scorer]
    needs_labels: bool = False
    family: str | None = None
    backbone: str | None = None


@dataclass(frozen=True, slots=True)
class FusedRisk:
    """An ensemble's risk as one score."""

    ensemble: Ensemble

    @property
    def parameters(self) -> int:
        """Those of its detectors, and of their calibration."""
        curves = (*self.ensemble.curves, self.ensemble.fusion)
        kept = sum(array.size for curve in curves for array in curve.arrays().values())
        return kept + len(self.ensemble.weights) + sum(map(parameters_of, self.ensemble.detectors))

    def score(self, windows: Windows) -> Floats:
        """See `Scorer.score`."""
        return self.ensemble.judge(windows).risk


def parameters_of(scorer: Scorer) -> int:
    """Return how many numbers a trained scorer keeps.

    Raises:
        TypeError: it does not say.
    """
    if isinstance(scorer, Counted):
        return scorer.parameters
    if isinstance(scorer, _Kept):
        return sum(array.size for array in scorer.arrays().values())
    raise TypeError(f"{type(scorer).__name__} has neither `parameters` nor `arrays()`")


def _one_feature(name: str, feature: str) -> Candidate:
    return Candidate(lambda lesson, _: OneFeature.of(name, feature, lesson.table))


def _isolation_forest(lesson: Lesson, _: Report) -> Scorer:
    from detectors.baselines.trees import IsolationForest  # noqa: PLC0415 (needs an extra)

    return IsolationForest.fit(lesson.windows, seed=lesson.seed)


def _gradient_boosting(lesson: Lesson, _: Report) -> Scorer:
    from detectors.baselines.trees import GradientBoosting  # noqa: PLC0415 (needs an extra)

    if lesson.fraud is None:
        raise ValueError("gradient boosting learns from labels: give them")
    return GradientBoosting.fit(lesson.windows, lesson.fraud, seed=lesson.seed)


def _tails(lesson: Lesson, _: Report) -> Storable:
    return FeatureTails.fit(split(lesson.windows, TrainingConfig(seed=lesson.seed)).fit, lesson.table)


def _config(lesson: Lesson, backbone: str) -> TrainingConfig:
    return TrainingConfig(
        seed=lesson.seed,
        vae=VaeConfig(backbone=backbone),
        gan=GanConfig(backbone=backbone),
        autoregressive=AutoregressiveConfig(backbone=backbone),
        classifier=ClassifierConfig(backbone=backbone),
    )


def _vae(lesson: Lesson, report: Report, backbone: str = DEFAULT) -> Storable:
    config = _config(lesson, backbone)
    return fit_vae(split(lesson.windows, config), lesson.table, config, report)


def _gan(lesson: Lesson, report: Report, backbone: str = DEFAULT) -> Storable:
    config = _config(lesson, backbone)
    return fit_gan(split(lesson.windows, config), lesson.table, config, report)


def _autoregressive(lesson: Lesson, report: Report, backbone: str = DEFAULT) -> Storable:
    config = _config(lesson, backbone)
    return fit_autoregressive(split(lesson.windows, config), lesson.table, config, report)


def _classifier(lesson: Lesson, report: Report, backbone: str = DEFAULT) -> Storable:
    if lesson.fraud is None:
        raise ValueError("the classifier learns from labels: give them")
    config = _config(lesson, backbone)
    return fit_classifier(split(lesson.windows, config), lesson.fraud, lesson.table, config, report)


def _ensemble(lesson: Lesson, report: Report) -> Scorer:
    """Fuse the detectors of a bundle, as `streamer train` does."""
    detectors = [fit(lesson, report) for fit in (_vae, _gan, _tails)]
    held_back = split(lesson.windows, TrainingConfig(seed=lesson.seed)).held_back
    suspicious = corrupt(held_back, lesson.table, np.random.default_rng(lesson.seed))
    return FusedRisk(Ensemble.calibrate(detectors, held_back, suspicious))


class _Deep(Protocol):
    def __call__(self, lesson: Lesson, report: Report, backbone: str = DEFAULT) -> Storable: ...


_DEEP: Mapping[str, _Deep] = {
    "vae": _vae,
    "gan": _gan,
    "autoregressive": _autoregressive,
    "classifier": _classifier,
}
_NEED_LABELS = {"classifier"}


def _deep(name: str, backbone: str) -> Candidate:
    fit = partial(_DEEP[name], backbone=backbone)
    return Candidate(fit, needs_labels=name in _NEED_LABELS, family=name, backbone=backbone)


CANDIDATES: Mapping[str, Candidate] = {
    "amount": _one_feature("amount", "log_amount"),
    "amount_ratio": _one_feature("amount_ratio", "amount_ratio"),
    "isolation_forest": Candidate(_isolation_forest),
    "gradient_boosting": Candidate(_gradient_boosting, needs_labels=True),
    "tails": Candidate(_tails),
    "ensemble": Candidate(_ensemble),
    **{
        name if backbone == DEFAULT else f"{name}_{backbone}": _deep(name, backbone)
        for name in _DEEP
        for backbone in BACKBONES
    },
}
