"""The classifier: what it learns from labels, and that its odds are right."""

from functools import cache

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from detectors.api import Windows
from detectors.models.backbones import BACKBONES
from detectors.models.classifier import Classifier, ClassifierConfig, ClassifierNetwork, platt
from detectors.scaling import Scaling
from detectors.training.corruption import corrupt
from detectors.training.dataset import Examples, Parts, split_by_time
from detectors.training.evaluate import quality
from detectors.training.fit import TrainingConfig, fit_classifier
from detectors.training.loop import seeded
from detectors.training.tasks.base import Step
from detectors.training.tasks.classifier import ClassifierTask
from streamer.state.features import TABLE
from tests.conftest import SMALL_WORLD
from tests.helpers.windows import simulated_windows

CONFIG = TrainingConfig(epochs=3, batch_size=128)
STEP = Step(at=0.5, key=(0,))
SHARE = 0.05


@cache
def labelled() -> tuple[Parts, NDArray[np.bool_]]:
    """Windows of which some are corrupted, and known to be."""
    windows = simulated_windows(SMALL_WORLD, 15)[0]
    rng = np.random.default_rng(3)
    fraud = rng.random(len(windows)) < SHARE
    corrupted = corrupt(windows.rows(fraud.nonzero()[0]), TABLE, rng)
    steps, last = windows.steps.copy(), windows.last.copy()
    steps[fraud], last[fraud] = corrupted.steps, corrupted.last
    return split_by_time(Windows(steps, windows.length, last), 0.3), fraud


def held_back_labels() -> NDArray[np.bool_]:
    parts, fraud = labelled()
    return fraud[len(parts.fit) :]


@cache
def classifier(*, focal: bool = True) -> Classifier:
    parts, fraud = labelled()
    config = TrainingConfig(epochs=3, batch_size=128, focal=focal)
    return fit_classifier(parts, fraud, TABLE, config, lambda _: None)


@pytest.mark.parametrize("focal", [True, False])
def test_frauds_like_the_labelled_ones_are_told(*, focal: bool) -> None:
    scores = classifier(focal=focal).score(labelled()[0].held_back)
    assert quality(scores, held_back_labels()).auc > 0.9


@pytest.mark.parametrize("focal", [True, False])
def test_probabilities_mean_what_they_say(*, focal: bool) -> None:
    probability = classifier(focal=focal).probability(labelled()[0].held_back)
    fraud = held_back_labels()
    assert probability.mean() == pytest.approx(fraud.mean(), rel=0.1)
    likely = probability > 0.5
    assert fraud[likely].mean() == pytest.approx(probability[likely].mean(), abs=0.15)


def test_reasons_are_what_the_log_odds_fall_by() -> None:
    parts, _ = labelled()
    windows = parts.held_back.rows(held_back_labels().nonzero()[0][:30])
    reasons, scores = classifier().explain(windows), classifier().score(windows)
    assert (reasons.max(axis=1) > 0).mean() > 0.8
    assert reasons.max(axis=1).mean() < 3 * scores.std()


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_parameter_learns(backbone: str) -> None:
    network = ClassifierNetwork(ClassifierConfig(backbone=backbone), TABLE)
    parts, fraud = labelled()
    examples = Examples(parts.fit, fraud[: len(parts.fit)])
    task = ClassifierTask(network, Scaling.fit(parts.fit, TABLE), examples, examples, CONFIG)
    next(task.losses(examples.rows(slice(500, 900)), STEP)).total.backward()  # type: ignore[no-untyped-call]
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("backbone", BACKBONES)
def test_one_batch_can_be_learnt_by_heart(backbone: str) -> None:
    parts, fraud = labelled()
    with seeded(0):
        network = ClassifierNetwork(ClassifierConfig(backbone=backbone, width=16, hidden=32), TABLE)
    batch = Examples(parts.fit, fraud[: len(parts.fit)]).rows(slice(1_000, 1_064))
    assert batch.fraud is not None
    task = ClassifierTask(network, Scaling.fit(parts.fit, TABLE), batch, batch, CONFIG)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(120):
        optimiser.zero_grad()
        next(task.losses(batch, STEP)).total.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
        optimiser.step()
    assert task.held_back_loss() < 0.01


@pytest.mark.parametrize("labels", [np.zeros(100, np.bool_), np.ones(100, np.bool_)])
def test_labels_of_one_kind_teach_nothing(labels: NDArray[np.bool_]) -> None:
    parts = split_by_time(simulated_windows(SMALL_WORLD, 15)[0].rows(slice(0, 100)), 0.2)
    with pytest.raises(ValueError, match="learns from both kinds"):
        fit_classifier(parts, labels, TABLE, CONFIG, lambda _: None)


def test_a_label_is_needed_for_each_window() -> None:
    parts = split_by_time(simulated_windows(SMALL_WORLD, 15)[0].rows(slice(0, 100)), 0.2)
    with pytest.raises(ValueError, match="99 labels for 100 windows"):
        fit_classifier(parts, np.zeros(99, np.bool_), TABLE, CONFIG, lambda _: None)


def test_the_line_of_the_log_odds_is_found() -> None:
    rng = np.random.default_rng(0)
    logit = rng.normal(size=50_000).astype(np.float32)
    fraud = rng.random(50_000) < 1 / (1 + np.exp(-(0.7 * logit - 3)))
    slope, intercept = platt(logit, fraud)
    assert slope == pytest.approx(0.7, abs=0.1)
    assert intercept == pytest.approx(-3, abs=0.1)


def test_perfect_separation_has_a_finite_line() -> None:
    logit = np.concatenate([np.linspace(-9, -1, 500), np.linspace(1, 9, 5)]).astype(np.float32)
    slope, intercept = platt(logit, logit > 0)
    assert np.isfinite([slope, intercept]).all()
    assert 0.5 < slope < 5


def test_a_line_never_turns_the_order_round() -> None:
    logit = np.linspace(-3, 3, 200).astype(np.float32)
    assert platt(logit, logit < 0)[0] > 0
    assert platt(logit, np.zeros(200, np.bool_)) == (1.0, 0.0)
