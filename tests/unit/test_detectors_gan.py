"""Discriminator and generator: what one tells apart, and that the other draws various windows."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from detectors.api import Floats, Windows
from detectors.models.backbones import BACKBONES
from detectors.models.gan import Discriminator, Gan, GanConfig, Generator
from detectors.models.trained import Trained
from detectors.models.verdict import verdict_inputs
from detectors.scaling import LEAST, MOST
from detectors.training.corruption import CORRUPTIONS, corrupt, corrupted_by, foreign
from detectors.training.evaluate import quality
from detectors.training.fit import TrainingConfig, train_gan
from detectors.training.loop import seeded
from streamer.state.features import TABLE
from tests.helpers.lessons import parts, scaling
from tests.helpers.windows import set_last

CONFIG = TrainingConfig(epochs=4, batch_size=128)


@cache
def networks() -> tuple[Discriminator, Generator]:
    return train_gan(parts(), scaling(), TABLE, CONFIG, lambda _: None)


@cache
def gan() -> Gan:
    return Gan.finish(Trained(TABLE, CONFIG.gan, scaling(), networks()[0]), parts().fit)


def generated(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    noise = torch.randn(count, CONFIG.gan.noise, generator=torch.Generator().manual_seed(0))
    center, scale = torch.from_numpy(scaling().center), torch.from_numpy(scaling().scale)
    window, last = networks()[1](noise, torch.ones(count, TABLE.window), center, scale)
    return window.detach(), last.detach()


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_parameter_of_the_discriminator_learns(backbone: str) -> None:
    fresh = Discriminator(GanConfig(backbone=backbone), TABLE)
    fresh(torch.randn(64, TABLE.window, TABLE.steps + 2), torch.randn(64, len(TABLE.features))).sum().backward()
    for name, parameter in fresh.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_every_parameter_of_the_generator_learns() -> None:
    fresh = Generator(GanConfig(), TABLE)
    features = torch.ones(len(TABLE.features))
    window, last = fresh(torch.randn(64, GanConfig().noise), torch.ones(64, TABLE.window), 0 * features, features)
    (window.square().sum() + last.square().sum()).backward()
    for name, parameter in fresh.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_one_batch_can_be_learnt_by_heart() -> None:
    real = parts().fit.rows(slice(1_000, 1_064))
    both = [verdict_inputs(each, scaling()) for each in (real, corrupt(real, TABLE, np.random.default_rng(3)))]
    window, last = (torch.from_numpy(np.concatenate(each)) for each in zip(*both, strict=True))
    is_bad = torch.arange(128) >= 64
    with seeded(0):
        fresh = Discriminator(GanConfig(), TABLE)
    optimiser = torch.optim.Adam(fresh.parameters(), lr=1e-2)
    for _ in range(150):
        optimiser.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(fresh(window, last), is_bad.float())
        loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
        optimiser.step()
    assert loss.item() < 0.01
    assert ((fresh(window, last) > 0) == is_bad).all()


def test_corruptions_of_unseen_windows_are_told_from_real_ones() -> None:
    held_back, rng = parts().held_back, np.random.default_rng(11)
    assert _auc(corrupt(held_back, TABLE, rng)) > 0.8
    for corruption, _ in CORRUPTIONS:
        # Payments of another user may be just what this user does.
        least = 0.65 if corruption is foreign else 0.8
        assert _auc(corrupted_by(corruption, held_back, TABLE, rng)) > least, corruption.__name__


def test_a_game_for_margins_teaches_it_too() -> None:
    discriminator, _ = train_gan(parts(), scaling(), TABLE, replace(CONFIG, hinge=True), lambda _: None)
    trained = Gan.finish(Trained(TABLE, CONFIG.gan, scaling(), discriminator), parts().fit)
    held_back = parts().held_back
    score = np.concatenate(
        [trained.score(each) for each in (held_back, corrupt(held_back, TABLE, np.random.default_rng(11)))]
    )
    assert quality(score, np.arange(len(score)) >= len(held_back)).auc > 0.8


def test_the_generator_does_not_collapse() -> None:
    window, last = (each.numpy() for each in generated(2_000))
    real = np.clip(scaling().last(parts().fit), LEAST, MOST).std(axis=0)
    drawn = last.std(axis=0)
    # Discrete features that are nearly always 0 say little of the generator.
    telling = real > 0.5
    assert telling.sum() > 15
    assert (drawn[telling] > 0.4 * real[telling]).all()
    whole = parts().fit.rows(np.flatnonzero(parts().fit.length == TABLE.window))
    unlike = _distances(scaling().window(whole))
    assert np.median(_distances(window)) > 0.3 * np.median(unlike)
    assert np.quantile(_distances(window), 0.01) > 0.05 * np.median(unlike)


def _distances(window: Floats) -> Floats:
    """Return how far windows are from others, drawn at random."""
    other = window[np.random.default_rng(0).permutation(len(window))]
    return np.asarray(np.sqrt(np.square(window - other).mean(axis=(1, 2))))


def test_what_is_drawn_is_a_window() -> None:
    window, last = generated(100)
    assert torch.equal(window[:, -1, : TABLE.steps], last[:, : TABLE.steps])
    assert (window[:, :, -1] == 1).all()
    assert window.min() >= LEAST
    assert window.max() <= MOST


def test_drawn_windows_are_as_short_as_asked() -> None:
    mask = torch.zeros(3, TABLE.window)
    mask[:, -5:] = 1
    features = torch.ones(len(TABLE.features))
    window, _ = networks()[1](torch.randn(3, CONFIG.gan.noise), mask, 0 * features, features)
    assert not window[:, :-5].any()
    assert window[:, -5:].any()


def test_the_centred_amount_of_what_is_drawn_is_that_of_a_real_window() -> None:
    window, last = (each.numpy() for each in generated(200))
    raw = last * scaling().scale + scaling().center
    amount, ratio = TABLE.column("log_amount"), TABLE.column("amount_ratio")
    steps = window[:, :, amount] * scaling().scale[amount] + scaling().center[amount]
    centred = (steps - (raw[:, amount] - raw[:, ratio])[:, None] - scaling().center[ratio]) / scaling().scale[ratio]
    np.testing.assert_allclose(window[:, :, TABLE.steps], np.clip(centred, LEAST, MOST), atol=1e-4)


def test_reasons_are_what_the_score_falls_by() -> None:
    windows = parts().held_back.rows(slice(0, 20))
    column = TABLE.column("new_device")
    new = windows.last.copy()
    new[:, column] = 1
    known = windows.last.copy()
    known[:, column] = 0
    fall = gan().score(set_last(windows, new)) - gan().score(set_last(windows, known))
    np.testing.assert_allclose(gan().explain(set_last(windows, new))[:, column], np.maximum(fall, 0), atol=1e-4)


def _auc(bad: Windows) -> float:
    scores = np.concatenate([gan().score(parts().held_back), gan().score(bad)])
    return quality(scores, np.arange(len(scores)) >= len(parts().held_back)).auc
