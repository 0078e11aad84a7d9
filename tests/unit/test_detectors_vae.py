"""The network of the VAE: what it learns, and that its latent space is used."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from detectors.api import Windows
from detectors.models.backbones import BACKBONES
from detectors.models.trained import Trained
from detectors.models.vae import LEAST_LOG_SIGMA, Vae, VaeConfig, VaeInputs, VaeNetwork
from detectors.scaling import LEAST, MOST
from detectors.training.dataset import Examples
from detectors.training.fit import TrainingConfig, train_vae
from detectors.training.tasks.base import Step
from detectors.training.tasks.vae import VaeTask
from streamer.state.features import TABLE
from tests.helpers.lessons import parts, scaling
from tests.helpers.windows import set_last

CONFIG = TrainingConfig(epochs=4, batch_size=128)
DIRECTED = [column for column, feature in enumerate(TABLE.features) if feature.risk]


@cache
def network(backbone: str = "tcn") -> VaeNetwork:
    config = replace(CONFIG, vae=VaeConfig(backbone=backbone))
    return train_vae(parts(), scaling(), TABLE, config, lambda _: None)


def tensors(windows: Windows) -> tuple[Tensor, Tensor, Tensor]:
    inputs = VaeInputs.of(windows, scaling(), TABLE)
    return (
        torch.from_numpy(inputs.window),
        torch.from_numpy(inputs.undirected),
        torch.from_numpy(inputs.directed).clamp(LEAST, MOST),
    )


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_parameter_learns(backbone: str) -> None:
    fresh = VaeNetwork(VaeConfig(backbone=backbone), TABLE)
    surprise, divergence = fresh.losses(*tensors(parts().fit.rows(slice(1_000, 1_128))), torch.randn(128, 8))
    loss = (surprise + divergence.sum(dim=1)).mean()
    loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
    for name, parameter in fresh.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_one_batch_can_be_learnt_by_heart() -> None:
    torch.manual_seed(0)
    fresh = VaeNetwork(VaeConfig(), TABLE)
    batch = tensors(parts().fit.rows(slice(1_000, 1_064)))
    optimiser = torch.optim.Adam(fresh.parameters(), lr=5e-3)
    surprises = []
    for _ in range(400):
        surprise, divergence = fresh.losses(*batch, torch.randn(64, 8))
        optimiser.zero_grad()
        loss = (surprise + 0.1 * divergence.sum(dim=1)).mean()
        loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
        optimiser.step()
        surprises.append(surprise.mean().item())
    # No feature can be expected more surely than the floor of the sd allows.
    least = LEAST_LOG_SIGMA * sum(feature.risk != 0 for feature in TABLE.features)
    assert surprises[0] > 0 > least
    assert np.mean(surprises[-10:]) == pytest.approx(least, abs=1.0)


@pytest.mark.parametrize("backbone", ["tcn", "lstm"])
def test_the_latent_space_is_used_and_does_not_dominate(backbone: str) -> None:
    trained = network(backbone)
    with torch.inference_mode():
        held_back = tensors(parts().held_back)
        rows = len(held_back[0])
        noise = torch.randn(rows, 8, generator=torch.Generator().manual_seed(0))
        surprise, divergence = trained.losses(*held_back, noise)
        mean, log_sigma = trained.decode(torch.zeros(rows, 8), trained.given(*held_back[:2]))
        blind = (((held_back[2] - mean) / log_sigma.exp()).square() / 2 + log_sigma).sum(dim=1)
    used = divergence.mean(dim=0)
    assert (used > 0.1).sum() >= 2
    assert 0.5 < used.sum() < 15
    # What z tells of the event must be worth more than it costs.
    assert blind.mean() - surprise.mean() > used.sum()


def divergence_of(config: TrainingConfig) -> float:
    trained = train_vae(parts(), scaling(), TABLE, config, lambda _: None)
    with torch.inference_mode():
        _, divergence = trained.losses(*tensors(parts().held_back), torch.zeros(len(parts().held_back), 8))
    return divergence.sum(dim=1).mean().item()


def test_free_bits_keep_what_a_high_price_would_give_up() -> None:
    dear = replace(CONFIG, epochs=2, beta=20.0, warm_up=0.0, free_bits=0.0)
    assert divergence_of(dear) < 0.1
    assert divergence_of(replace(dear, free_bits=0.1)) == pytest.approx(8 * 0.1, rel=0.4)


def test_free_bits_cost_the_same_used_or_not() -> None:
    task = VaeTask(
        VaeNetwork(VaeConfig(), TABLE), scaling(), TABLE, parts().held_back, replace(CONFIG, beta=2.0, free_bits=50.0)
    )
    (loss,) = task.losses(Examples(parts().fit.rows(slice(1_000, 1_128))), Step(1.0, (0,)))
    assert loss.total.item() == pytest.approx(loss.parts["surprise"].item() + 2 * 8 * 50)
    assert 0 < loss.parts["kl"] < 8 * 50


def test_the_judged_event_is_hidden_from_what_is_expected() -> None:
    windows = parts().held_back.rows(slice(0, 50))
    assert windows.steps[:, -1].any()
    # Amount and ratio move together: the user's mean, which they tell, was known before.
    other = windows.last + 3 * np.isin(np.arange(len(TABLE.features)), DIRECTED)
    before, after = (network()(*tensors(each)[:2]) for each in (windows, set_last(windows, other)))
    torch.testing.assert_close(before, after, rtol=0, atol=1e-4)


def test_what_is_expected_follows_the_user() -> None:
    window, undirected, directed = tensors(parts().held_back)
    expected = network()(window, undirected).detach().numpy()
    place = DIRECTED.index(TABLE.column("count_7d"))
    assert np.corrcoef(expected[:, place], directed[:, place])[0, 1] > 0.3


def test_only_deviations_towards_risk_count() -> None:
    vae = Vae.calibrate(Trained(TABLE, CONFIG.vae, scaling(), network()), parts().held_back)
    windows = parts().held_back.rows(slice(0, 200))
    column = TABLE.column("amount_deviation")
    ordinary, small, large = (_with_last(windows, column, value) for value in (0, -50, 50))
    place = vae.explain(small)[:, column], vae.explain(ordinary)[:, column], vae.explain(large)[:, column]
    assert place[0].max() < 0.1
    assert (place[2] > place[1]).all()
    assert place[2].mean() > 5


def _with_last(windows: Windows, column: int, value: float) -> Windows:
    last = windows.last.copy()
    last[:, column] = value
    return Windows(windows.steps, windows.length, last)
