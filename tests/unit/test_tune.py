"""Fine-tuning: old weights are where it begins, and what remains where nothing better is found."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.api import Detector, Windows
from detectors.models.autoregressive import Autoregressive, AutoregressiveConfig
from detectors.models.classifier import Classifier, ClassifierConfig
from detectors.models.gan import Gan, GanConfig
from detectors.models.tails import FeatureTails
from detectors.models.vae import Vae, VaeConfig
from detectors.registry import Storable
from detectors.threads import use_one_thread
from detectors.training.dataset import Parts
from detectors.training.fit import (
    TrainingConfig,
    fit_autoregressive,
    fit_classifier,
    fit_gan,
    fit_vae,
    split,
)
from detectors.training.tune import tune
from streamer.state.features import TABLE
from tests.conftest import SMALL_WORLD
from tests.helpers.windows import simulated_windows

# None of it is a default: what is tuned keeps the form it has.
CONFIG = TrainingConfig(
    seed=3,
    epochs=1,
    batch_size=64,
    vae=VaeConfig(width=16, latent=3, hidden=24),
    gan=GanConfig(width=16, hidden=24, noise=5),
    autoregressive=AutoregressiveConfig(width=16),
    classifier=ClassifierConfig(width=16),
)
LATER = TrainingConfig(seed=4, epochs=1, batch_size=64)
Arrays = dict[str, NDArray[np.generic]]


@pytest.fixture(scope="module")
def windows() -> Windows:
    use_one_thread()
    return simulated_windows(SMALL_WORLD, 15)[0]


@pytest.fixture(scope="module")
def old(windows: Windows) -> tuple[Storable, ...]:
    parts = split(windows.rows(slice(0, 1_200)), CONFIG)
    neural = [fit(parts, TABLE, CONFIG, lambda _: None) for fit in (fit_vae, fit_gan, fit_autoregressive)]
    return (*neural, FeatureTails.fit(parts.fit, TABLE))


@pytest.fixture(scope="module")
def later(windows: Windows) -> Parts:
    return split(windows.rows(slice(-1_200, None)), LATER)


@pytest.fixture(scope="module")
def new(old: tuple[Storable, ...], later: Parts) -> tuple[Storable, ...]:
    return tune(old, later, TABLE, LATER, lambda _: None)


def weights(detector: Storable) -> Arrays:
    return {name: array for name, array in detector.arrays().items() if name.startswith("network")}


def bits(arrays: Arrays) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in arrays.items()}


def distance(one: Arrays, other: Arrays) -> float:
    return float(np.sqrt(sum(np.square(one[name].astype(float) - other[name].astype(float)).sum() for name in one)))


def test_each_detector_keeps_its_form_and_learns(old: tuple[Storable, ...], new: tuple[Storable, ...]) -> None:
    assert [type(detector) for detector in new] == [Vae, Gan, Autoregressive, FeatureTails]
    for was, is_now in zip(old, new, strict=True):
        assert is_now.config() == was.config()
        assert bits(is_now.arrays()) != bits(was.arrays())


def test_what_is_tuned_can_be_kept(new: tuple[Storable, ...], later: Parts) -> None:
    for detector in new:
        again = type(detector).load(TABLE, detector.config(), detector.arrays())
        assert again.score(later.held_back).tobytes() == detector.score(later.held_back).tobytes()


def test_the_old_ones_stay_and_the_same_seed_tunes_the_same_bits(
    old: tuple[Storable, ...], new: tuple[Storable, ...], later: Parts
) -> None:
    before = [bits(detector.arrays()) for detector in old]
    again = tune(old, later, TABLE, LATER, lambda _: None)
    assert [bits(detector.arrays()) for detector in old] == before
    assert [bits(detector.arrays()) for detector in again] == [bits(detector.arrays()) for detector in new]


def test_weights_stay_near_the_old_ones(old: tuple[Storable, ...], new: tuple[Storable, ...], later: Parts) -> None:
    anew = fit_vae(later, TABLE, dataclasses.replace(CONFIG, seed=9), lambda _: None)
    assert 0 < distance(weights(old[0]), weights(new[0])) < distance(weights(old[0]), weights(anew)) / 3


def test_scaling_stays_and_calibration_does_not(old: tuple[Storable, ...], new: tuple[Storable, ...]) -> None:
    was, is_now = old[0].arrays(), new[0].arrays()
    assert is_now["scaling.center"].tobytes() == was["scaling.center"].tobytes()
    assert is_now["curve.0.scores"].tobytes() != was["curve.0.scores"].tobytes()


def test_what_would_get_worse_stays_as_it_was(old: tuple[Storable, ...], later: Parts) -> None:
    nonsense = later.fit.rows(slice(0, 200))
    turned = Windows(-3 * nonsense.steps[:, ::-1], nonsense.length, -3 * nonsense.last)
    wild = dataclasses.replace(LATER, learning_rate=5.0)
    new = tune(old[:3], Parts(turned, later.held_back), TABLE, wild, lambda _: None)
    for was, is_now in zip(old, new, strict=False):
        before, after = weights(was), weights(is_now)
        assert bits(before) == bits(after), was.name


def test_steps_are_told(old: tuple[Storable, ...], later: Parts) -> None:
    told: list[str] = []
    tune(old, later, TABLE, LATER, lambda now: told.append(now.model))
    assert set(told) == {"vae", "gan", "autoregressive"}


def test_what_learns_from_labels_is_refused(windows: Windows, later: Parts) -> None:
    known = split(windows.rows(slice(0, 300)), CONFIG)
    fraud = np.arange(300) % 5 == 0
    classifier: Detector = fit_classifier(known, fraud, TABLE, CONFIG, lambda _: None)
    assert isinstance(classifier, Classifier)
    with pytest.raises(ValueError, match="'classifier' cannot be fine-tuned without labels"):
        tune([classifier], later, TABLE, LATER, lambda _: None)
