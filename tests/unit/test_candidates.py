"""Everything that `evaluate` compares: trains, scores, says how large it is, and repeats itself."""

import numpy as np
import pytest

from detectors.baselines.one_feature import OneFeature
from detectors.models.backbones import BACKBONES
from detectors.threads import use_one_thread
from detectors.training.candidates import CANDIDATES, DEFAULT, Lesson, Scorer, parameters_of
from streamer.state.features import TABLE
from tests.conftest import SMALL_WORLD
from tests.helpers.windows import read_only, simulated_windows


def lesson(*, labels: bool = True) -> Lesson:
    windows, fraud = simulated_windows(SMALL_WORLD, 6)
    return Lesson(read_only(windows), fraud if labels else None, TABLE, 3)


def fitted(name: str) -> Scorer:
    use_one_thread()
    return CANDIDATES[name].fit(lesson(labels=CANDIDATES[name].needs_labels), lambda _: None)


# One on another backbone stands for all: the contract suite asks every model on every backbone.
QUICK = [name for name in CANDIDATES if not any(name.endswith(f"_{backbone}") for backbone in BACKBONES)]


@pytest.mark.parametrize("name", [*QUICK, "vae_lstm"])
def test_a_candidate_trains_and_scores_alike_twice(name: str) -> None:
    windows = read_only(simulated_windows(SMALL_WORLD, 8)[0].rows(slice(-400, None)))
    first, second = fitted(name), fitted(name)
    score = first.score(windows)
    assert score.shape == (400,)
    assert score.dtype == np.float32
    assert np.isfinite(score).all()
    assert len(np.unique(score)) > 10
    np.testing.assert_array_equal(score, second.score(windows))
    assert parameters_of(first) == parameters_of(second) >= 0


@pytest.mark.parametrize("name", [name for name, each in CANDIDATES.items() if each.needs_labels])
def test_what_needs_labels_says_so(name: str) -> None:
    with pytest.raises(ValueError, match="labels"):
        CANDIDATES[name].fit(lesson(labels=False), lambda _: None)


def test_every_deep_model_stands_on_every_backbone() -> None:
    deep = {"vae", "gan", "autoregressive", "classifier"}
    named = {f"{name}_{backbone}" for name in deep for backbone in BACKBONES if backbone != DEFAULT}
    assert deep | named <= set(CANDIDATES)
    assert all(CANDIDATES[name].needs_labels for name in CANDIDATES if name.startswith("classifier"))
    assert parameters_of(fitted("vae_lstm")) != parameters_of(fitted("vae"))


def test_labels_are_learnt_from() -> None:
    windows, fraud = simulated_windows(SMALL_WORLD, 6)
    score = fitted("gradient_boosting").score(windows)
    assert score[fraud].mean() > score[~fraud].mean() + 1
    whole = Lesson(windows, np.zeros(len(windows), np.bool_), TABLE, 0)
    with pytest.raises(ValueError, match="both kinds"):
        CANDIDATES["gradient_boosting"].fit(whole, lambda _: None)


def test_a_feature_is_scored_in_its_risky_direction() -> None:
    windows, _ = simulated_windows(SMALL_WORLD, 6)
    np.testing.assert_array_equal(fitted("amount").score(windows), windows.last[:, TABLE.column("log_amount")])
    with pytest.raises(ValueError, match="context only"):
        OneFeature.of("hour", "hour_sin", TABLE)


def test_size_must_be_told() -> None:
    class Silent:
        def score(self, windows: object) -> object:
            return windows

    with pytest.raises(TypeError, match="Silent has neither"):
        parameters_of(Silent())  # type: ignore[arg-type]  # on purpose


def test_learnt_numbers_are_counted() -> None:
    assert parameters_of(fitted("amount")) == 0
    vae, gan, tails, ensemble = (parameters_of(fitted(name)) for name in ("vae", "gan", "tails", "ensemble"))
    assert min(vae, gan) > 5_000
    assert ensemble > vae + gan + tails
