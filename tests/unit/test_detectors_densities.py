"""Distributions of fields: they sum to 1, and rarities are the tails that they claim to be."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from detectors.models.densities import Categories, Density, Mixture, Ordinal

DENSITIES: dict[str, Density] = {
    "mixture": Mixture(3),
    "one Gaussian": Mixture(1),
    "ordinal": Ordinal((-1.0, 0.0, 2.5)),
    "yes or no": Ordinal((0.5,)),
    "categories": Categories(5),
}


def outputs(density: Density, rows: int = 1) -> Tensor:
    return 0.4 * torch.randn(rows, density.outputs, generator=torch.Generator().manual_seed(0))


def test_a_mixture_has_mass_1() -> None:
    values = torch.linspace(-4, 8, 24_001)
    mixture = Mixture(3)
    surprise = mixture.surprise(outputs(mixture).expand(len(values), -1), values)
    # The density comes without the constant of a Gaussian.
    mass = torch.exp(-surprise).sum().item() * (12 / 24_000) / math.sqrt(2 * math.pi)
    assert mass == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("value", [-2.0, -0.5, 0.3, 1.7])
def test_the_rarity_of_a_mixture_is_the_mass_above(value: float) -> None:
    values = torch.linspace(value, 8, 24_001)
    mixture = Mixture(3)
    raw = outputs(mixture)
    density = torch.exp(-mixture.surprise(raw.expand(len(values), -1), values)) / math.sqrt(2 * math.pi)
    above = (density.sum() * (8 - value) / 24_000).item()
    assert mixture.rarity(raw, torch.tensor([value])).item() == pytest.approx(-math.log(above), abs=0.02)


@pytest.mark.parametrize("density", [Ordinal((-1.0, 0.0, 2.5)), Categories(4)])
def test_shares_sum_to_1(density: Density) -> None:
    values = torch.tensor([0.0, 1, 2, 3]) if isinstance(density, Categories) else torch.tensor([-2.0, -0.5, 1, 3])
    assert torch.exp(-density.surprise(outputs(density).expand(4, -1), values)).sum().item() == pytest.approx(1)


def test_the_rarity_of_a_stretch_is_the_mass_from_it_on() -> None:
    ordinal = Ordinal((0.0, 1.0))
    shares = torch.tensor([[0.7, 0.2, 0.1]])
    rarity = ordinal.rarity(shares.log().expand(4, -1), torch.tensor([-1.0, 0.0, 0.99, 1.0]))
    torch.testing.assert_close(rarity, -torch.tensor([1.0, 0.3, 0.3, 0.1]).log())


def test_the_rarity_of_a_category_is_the_mass_of_all_as_rare() -> None:
    shares = torch.tensor([[0.5, 0.1, 0.1, 0.3]])
    rarity = Categories(4).rarity(shares.log().expand(4, -1), torch.tensor([0.0, 1, 2, 3]))
    torch.testing.assert_close(rarity, -torch.tensor([1.0, 0.2, 0.2, 0.5]).log())


@pytest.mark.parametrize("density", DENSITIES.values(), ids=DENSITIES.keys())
@given(value=st.floats(-10_000, 10_000, width=32))
def test_rarities_are_finite_and_never_below_0(density: Density, value: float) -> None:
    values = torch.tensor([abs(value) % 5 if isinstance(density, Categories) else value])
    rarity = density.rarity(250 * outputs(density), values)
    assert torch.isfinite(rarity).all()
    assert (rarity >= 0).all()
    assert torch.isfinite(density.surprise(outputs(density), values)).all()


@pytest.mark.parametrize("name", ["mixture", "one Gaussian", "ordinal", "yes or no"])
def test_a_riskier_value_is_never_less_rare(name: str) -> None:
    values = torch.linspace(-6, 12, 500)
    rarity = DENSITIES[name].rarity(outputs(DENSITIES[name]).expand(500, -1), values)
    assert (rarity.diff() >= -1e-5).all()
    assert rarity[-1] > rarity[0]


@pytest.mark.parametrize("density", [Mixture(2), Ordinal((-1.0, 0.0, 1.5)), Categories(5)])
def test_gradients_reach_every_output(density: Density) -> None:
    raw = outputs(density, 200).requires_grad_()
    values = torch.from_numpy(np.random.default_rng(0).integers(0, 5, 200).astype(np.float32)) - (
        0 if isinstance(density, Categories) else 2
    )
    density.surprise(raw, values).sum().backward()  # type: ignore[no-untyped-call]  # torch gives it no types
    assert raw.grad is not None
    assert (raw.grad.abs().sum(dim=0) > 0).all()
