"""Splitting, order, progress and repeatability of training."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from detectors.api import FeatureTable, Windows
from detectors.registry import Storable
from detectors.scaling import LEAST, MOST, Scaling
from detectors.training.corruption import corrupt
from detectors.training.dataset import Parts, batches_an_epoch, shuffled, split_by_time
from detectors.training.fit import Progress, TrainingConfig, fit_autoregressive, fit_gan, fit_vae, split
from streamer.state.features import TABLE
from tests.conftest import SMALL_WORLD
from tests.helpers.windows import simulated_windows

Fit = Callable[[Parts, FeatureTable, TrainingConfig, Callable[[Progress], None]], Storable]

FITS: tuple[Fit, ...] = (fit_vae, fit_gan, fit_autoregressive)
CONFIG = TrainingConfig(seed=3, epochs=2, batch_size=64)


@pytest.fixture(scope="module")
def windows() -> Windows:
    return simulated_windows(SMALL_WORLD, 15)[0].rows(slice(0, 1_500))


def test_the_newest_are_held_back(windows: Windows) -> None:
    parts = split(windows, TrainingConfig(held_back_share=0.2))
    assert (len(parts.fit), len(parts.held_back)) == (1_200, 300)
    assert (np.concatenate([parts.fit.last, parts.held_back.last]) == windows.last).all()


@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_neither_part_is_ever_empty(windows: Windows, share: float) -> None:
    parts = split_by_time(windows.rows(slice(0, 2)), share)
    assert (len(parts.fit), len(parts.held_back)) == (1, 1)


def test_one_window_cannot_be_split(windows: Windows) -> None:
    with pytest.raises(ValueError, match="at least 2"):
        split_by_time(windows.rows(slice(0, 1)), 0.2)


@given(count=st.integers(1, 500), batch_size=st.integers(1, 100))
def test_an_epoch_has_each_row_at_most_once_in_whole_batches(count: int, batch_size: int) -> None:
    batches = list(shuffled(count, batch_size, np.random.default_rng(0)))
    rows = np.concatenate(batches)
    assert len(batches) == batches_an_epoch(count, batch_size)
    assert len(np.unique(rows)) == len(rows)
    assert count - len(rows) < batch_size
    assert {len(batch) for batch in batches} == {min(batch_size, count)}


@pytest.mark.parametrize("fit", FITS)
def test_progress_counts_up_to_its_end(windows: Windows, fit: Fit) -> None:
    told: list[Progress] = []
    detector = fit(split(windows, CONFIG), TABLE, CONFIG, told.append)
    assert [each.step for each in told] == list(range(1, told[0].steps + 1))
    assert {each.model for each in told} == {detector.name}
    assert np.isfinite([each.loss for each in told]).all()


@pytest.mark.parametrize("fit", FITS)
def test_the_same_seed_trains_the_same_bits_and_another_does_not(windows: Windows, fit: Fit) -> None:
    parts = split(windows, CONFIG)
    torch.manual_seed(1)
    once = fit(parts, TABLE, CONFIG, lambda _: None).arrays()
    torch.manual_seed(2)
    again = fit(parts, TABLE, CONFIG, lambda _: None).arrays()
    other = fit(parts, TABLE, TrainingConfig(seed=4, epochs=2, batch_size=64), lambda _: None).arrays()
    assert all(once[name].tobytes() == again[name].tobytes() for name in once)
    assert any(once[name].tobytes() != other[name].tobytes() for name in once if name.startswith("network"))


def test_training_leaves_windows_and_the_global_generator_alone(windows: Windows) -> None:
    before, state = windows.steps.tobytes(), torch.random.get_rng_state()
    for fit in FITS:
        fit(split(windows, CONFIG), TABLE, CONFIG, lambda _: None)
    corrupt(windows, TABLE, np.random.default_rng(0))
    assert windows.steps.tobytes() == before
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"batch_size": 1}, {"held_back_share": 0.0}, {"held_back_share": 1.0}, {"free_bits": -0.1}]
)
def test_a_configuration_that_cannot_train_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        TrainingConfig(**wrong)  # type: ignore[arg-type]  # the values are of the right types


def test_scaled_windows_keep_to_their_bounds(windows: Windows) -> None:
    channels = Scaling.fit(windows, TABLE).window(windows)
    assert channels.shape == (1_500, TABLE.window, TABLE.steps + 2)
    assert channels.min() >= LEAST
    assert channels.max() <= MOST
    padded = np.arange(TABLE.window) < TABLE.window - windows.length[:, None]
    assert (channels[padded] == 0).all()
    assert (channels[:, :, -1].sum(axis=1) == windows.length).all()


def test_scaled_features_have_mean_0_and_deviation_1(windows: Windows) -> None:
    last = Scaling.fit(windows, TABLE).last(windows)
    varied = windows.last.std(axis=0) > 0
    np.testing.assert_allclose(last.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(last.std(axis=0)[varied], 1, rtol=1e-3)


def test_the_centred_amount_of_the_last_event_is_its_ratio(windows: Windows) -> None:
    channels = Scaling.fit(windows, TABLE).window(windows)
    np.testing.assert_allclose(channels[:, -1, TABLE.steps], channels[:, -1, TABLE.column("amount_ratio")], atol=1e-4)
