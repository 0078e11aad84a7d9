"""Masked field modelling: what is hidden, that it is learnt, and that models start from it."""

from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from detectors.models.autoregressive import AutoregressiveConfig
from detectors.models.backbones import BACKBONES, make_backbone
from detectors.models.classifier import ClassifierConfig
from detectors.models.gan import GanConfig
from detectors.models.vae import VaeConfig
from detectors.scaling import EXTRA_CHANNELS, Scaling
from detectors.training.dataset import Examples, Parts, split_by_time
from detectors.training.fit import TrainingConfig, fit_autoregressive, fit_classifier, fit_vae, train_gan
from detectors.training.loop import seeded, train
from detectors.training.pretrain import Pretrained, pretrain
from detectors.training.tasks.masking import MaskedFieldModel, MaskingTask, groups_of, hide
from streamer.state.features import TABLE
from tests.conftest import SMALL_WORLD
from tests.helpers.windows import simulated_windows

CHANNELS = TABLE.steps + EXTRA_CHANNELS
CONFIG = TrainingConfig(epochs=8, batch_size=64, learning_rate=5e-3)
WIDTH = 16


@cache
def parts() -> Parts:
    windows = simulated_windows(SMALL_WORLD, 15)[0]
    return split_by_time(windows.rows(slice(len(windows) - 4_000, len(windows))), 0.3)


@cache
def scaling() -> Scaling:
    return Scaling.fit(parts().fit, TABLE)


@cache
def pretrained(backbone: str) -> Pretrained:
    config = TrainingConfig(epochs=1, batch_size=256)
    return pretrain(parts(), TABLE, config, lambda _: None, backbone=backbone, width=WIDTH)


def held_back() -> Tensor:
    return torch.from_numpy(scaling().window(parts().held_back))


def hidden_of(window: Tensor) -> Tensor:
    return hide(window, groups_of(TABLE), torch.Generator().manual_seed(0))


def test_each_field_is_hidden_with_what_would_tell_it() -> None:
    groups = groups_of(TABLE)
    assert (groups.sum(dim=0) == 1).all()
    amount = groups[groups[:, TABLE.column("log_amount")]][0]
    assert amount[TABLE.column("amount_ratio")]
    assert amount[TABLE.steps]
    assert not amount[TABLE.column("quickness")]
    chosen = hidden_of(held_back())
    assert (chosen[:, :, TABLE.column("log_amount")] == chosen[:, :, TABLE.steps]).all()


def test_only_real_steps_are_hidden_and_most_are_not() -> None:
    window = held_back()
    chosen = hidden_of(window)
    real = window[:, :, -1] > 0
    assert not chosen[~real].any()
    assert 0.15 < chosen[real].float().mean() < 0.25
    assert chosen[real].all(dim=1).any()


@pytest.mark.parametrize("backbone", BACKBONES)
def test_what_is_hidden_is_not_read(backbone: str) -> None:
    network = MaskedFieldModel(backbone, WIDTH, TABLE).eval()
    window = held_back()[:50]
    chosen = hidden_of(window)
    other = window.clone()
    other[:, :, :-1][chosen] += 1
    assert torch.equal(network(window, chosen), network(other, chosen))


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_parameter_learns(backbone: str) -> None:
    network = MaskedFieldModel(backbone, WIDTH, TABLE)
    window = held_back()[:200]
    network(window, hidden_of(window)).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("backbone", BACKBONES)
def test_hidden_fields_are_told_better_than_by_their_means(backbone: str) -> None:
    with seeded(0):
        network = MaskedFieldModel(backbone, 2 * WIDTH, TABLE)
    task = MaskingTask(network, scaling(), TABLE, parts().held_back, seed=0)
    train(task, Examples(parts().fit), CONFIG, lambda _: None)
    window = held_back()
    chosen = hidden_of(window)
    with torch.inference_mode():
        error = network(window, chosen) - window[:, :, :-1]
    shares = [
        error[:, :, column][chosen[:, :, column]].square().mean() / window[:, :, column][chosen[:, :, column]].var()
        for column in map(TABLE.column, ("quickness", "count_1h", "count_1d"))
    ]
    assert np.mean(shares) < 0.9


def still(backbone: str) -> TrainingConfig:
    """Return a training that changes nothing."""
    return TrainingConfig(
        epochs=1,
        batch_size=1_000,
        learning_rate=0,
        weight_decay=0,
        vae=VaeConfig(backbone=backbone, width=WIDTH),
        gan=GanConfig(backbone=backbone, width=WIDTH),
        autoregressive=AutoregressiveConfig(backbone=backbone, width=WIDTH),
        classifier=ClassifierConfig(backbone=backbone, width=WIDTH),
    )


@pytest.mark.parametrize("backbone", BACKBONES)
def test_any_model_of_the_same_backbone_starts_from_it(backbone: str) -> None:
    config, start = still(backbone), pretrained(backbone)
    fraud = np.arange(len(parts().fit) + len(parts().held_back)) % 9 == 0
    vae = fit_vae(parts(), TABLE, config, lambda _: None, start=start).trained.network.context
    following = fit_autoregressive(parts(), TABLE, config, lambda _: None, start=start).trained.network.context
    classifier = fit_classifier(parts(), fraud, TABLE, config, lambda _: None, start=start).trained.network.backbone
    for begun in (vae, following, classifier):
        _assert_same(begun.state_dict(), start.weights)
    discriminator, _ = train_gan(parts(), scaling(), TABLE, config, lambda _: None, start=start)
    normalised = discriminator.backbone.state_dict()
    # Spectral normalisation divides each matrix by one number.
    _assert_same(
        {name: _direction(each) for name, each in normalised.items()},
        {name: _direction(each) for name, each in start.weights.items()},
    )


def _assert_same(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    assert set(found) == set(wanted)
    for name, each in wanted.items():
        torch.testing.assert_close(found[name], each, msg=name)


def _direction(values: Tensor) -> Tensor:
    length: Tensor = values.norm().clamp(min=1e-9)
    return values / length


@pytest.mark.parametrize(("backbone", "width"), [("lstm", WIDTH), ("tcn", WIDTH + 4)])
def test_another_backbone_cannot_start_from_it(backbone: str, width: int) -> None:
    with pytest.raises(ValueError, match="tcn of width 16"):
        pretrained("tcn").begin(make_backbone(backbone, TABLE.window, CHANNELS, width))


def test_other_windows_cannot_start_from_it() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        pretrained("lstm").begin(make_backbone("lstm", TABLE.window, CHANNELS + 1, WIDTH))
