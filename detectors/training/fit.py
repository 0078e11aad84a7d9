"""Training: windows in time order in, finished detectors out.

The same windows, configuration, machine and versions give the same weights: every draw comes
from the seed, and torch computes in one order.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from detectors.api import FeatureTable, Windows
from detectors.models.gan import Discriminator, Gan, GanConfig, Generator, discriminator_inputs
from detectors.models.vae import Vae, VaeConfig, VaeInputs, VaeNetwork
from detectors.scaling import LEAST, MOST, Scaling
from detectors.training.corruption import corrupt
from detectors.training.dataset import Parts, batches_an_epoch, shuffled, split_by_time

Pair = tuple[Tensor, Tensor]

_LONGEST_GRADIENT = 1.0
_CHECKED = 8_192
"""Held-back windows that decide when to stop; more would cost time, not change the decision."""


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How models are trained.

    Attributes:
        seed: of all randomness.
        epochs: passes over the windows.
        batch_size: windows a step.
        held_back_share: share of the windows, the newest, that calibrate and are not learnt from.
        learning_rate: at the start; falls to 0 along a cosine.
        weight_decay: AdamW's.
        beta: weight of the VAE's divergence, reached after the warm-up.
        warm_up: share of the steps in which beta grows from 0.
        generated_weight: weight of the generator's samples against the corruptions' 1.
        vae: the VAE's parts.
        gan: the GAN's parts.
    """

    seed: int = 0
    epochs: int = 5
    batch_size: int = 256
    held_back_share: float = 0.2
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    beta: float = 1.0
    warm_up: float = 0.2
    generated_weight: float = 0.1
    vae: VaeConfig = field(default_factory=VaeConfig)
    gan: GanConfig = field(default_factory=GanConfig)

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: names the value at fault.
        """
        if self.epochs < 1 or self.batch_size < 2:
            raise ValueError(f"epochs={self.epochs}, batch_size={self.batch_size}: at least 1 epoch of batches of 2")
        if not 0 < self.held_back_share < 1:
            raise ValueError(f"held_back_share={self.held_back_share}: choose above 0 and below 1")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far training is.

    Attributes:
        model: the detector's name.
        step: steps done, from 1.
        steps: steps in all.
        loss: of this step.
    """

    model: str
    step: int
    steps: int
    loss: float


def split(windows: Windows, config: TrainingConfig) -> Parts:
    """Split windows, oldest first, into those to learn from and those held back."""
    return split_by_time(windows, config.held_back_share)


def fit_vae(parts: Parts, table: FeatureTable, config: TrainingConfig, progress: Callable[[Progress], None]) -> Vae:
    """Train and calibrate the VAE; the epoch that expects the held-back windows best is kept."""
    scaling = Scaling.fit(parts.fit, table)
    network = train_vae(parts, scaling, table, config, progress)
    return Vae.calibrate(network, config.vae, scaling, table, parts.held_back)


def train_vae(
    parts: Parts, scaling: Scaling, table: FeatureTable, config: TrainingConfig, progress: Callable[[Progress], None]
) -> VaeNetwork:
    """Train the VAE's network."""
    rng = np.random.default_rng([config.seed, 1])
    with _seeded(config.seed):
        network = VaeNetwork(config.vae, table)
    noise = torch.Generator().manual_seed(config.seed)
    steps = config.epochs * batches_an_epoch(len(parts.fit), config.batch_size)
    climb = _Descent(network, steps, config)
    checked = VaeInputs.of(_thinned(parts.held_back), scaling, table)
    best, best_loss, step = _copy(network), math.inf, 0
    for _ in range(config.epochs):
        for rows in shuffled(len(parts.fit), config.batch_size, rng):
            step += 1
            inputs = VaeInputs.of(parts.fit.rows(rows), scaling, table)
            beta = config.beta * min(1.0, step / (config.warm_up * steps + 1))
            surprise, divergence = _losses(network, inputs, torch.randn(len(rows), config.vae.latent, generator=noise))
            loss = surprise.mean() + beta * divergence.sum(dim=1).mean()
            climb.step(loss)
            progress(Progress(Vae.name, step, steps, loss.item()))
        with torch.inference_mode():
            surprise, divergence = _losses(network, checked, torch.zeros(len(checked.window), config.vae.latent))
            held_back_loss = (surprise + config.beta * divergence.sum(dim=1)).mean().item()
        if held_back_loss < best_loss:
            best, best_loss = _copy(network), held_back_loss
    network.load_state_dict(best)
    return network.eval()


def _losses(network: VaeNetwork, inputs: VaeInputs, noise: Tensor) -> tuple[Tensor, Tensor]:
    window, undirected, directed = map(torch.from_numpy, (inputs.window, inputs.undirected, inputs.directed))
    return network.losses(window, undirected, directed.clamp(LEAST, MOST), noise)


def fit_gan(parts: Parts, table: FeatureTable, config: TrainingConfig, progress: Callable[[Progress], None]) -> Gan:
    """Train the GAN; the epoch whose discriminator tells held-back windows from corruptions best is kept."""
    scaling = Scaling.fit(parts.fit, table)
    discriminator, _ = train_gan(parts, scaling, table, config, progress)
    typical = np.median(np.clip(scaling.last(parts.fit), LEAST, MOST), axis=0).astype(np.float32)
    return Gan(table, config.gan, scaling, discriminator, typical)


def train_gan(
    parts: Parts, scaling: Scaling, table: FeatureTable, config: TrainingConfig, progress: Callable[[Progress], None]
) -> tuple[Discriminator, Generator]:
    """Train discriminator and generator; the discriminator comes without its normalisation."""
    rng = np.random.default_rng([config.seed, 2])
    with _seeded(config.seed + 1):
        discriminator = Discriminator(config.gan, table, wrap=nn.utils.parametrizations.spectral_norm)
        generator = Generator(config.gan, table)
    noise = torch.Generator().manual_seed(config.seed + 1)
    steps = config.epochs * batches_an_epoch(len(parts.fit), config.batch_size)
    descent, climb = _Descent(discriminator, steps, config), _Descent(generator, steps, config)
    center, scale = torch.from_numpy(scaling.center), torch.from_numpy(scaling.scale)
    held_back = _thinned(parts.held_back)
    checked = [_pair(each, scaling) for each in (held_back, corrupt(held_back, table, rng))]
    best, best_loss, step = _copy(discriminator), math.inf, 0
    for _ in range(config.epochs):
        for rows in shuffled(len(parts.fit), config.batch_size, rng):
            step += 1
            windows = parts.fit.rows(rows)
            real = _pair(windows, scaling)
            bad = _pair(corrupt(windows, table, rng), scaling)
            drawn = torch.randn(len(rows), config.gan.noise, generator=noise)
            generated = generator(drawn, real[0][:, :, -1], center, scale)
            loss = _adversarial(discriminator, real, bad, generated, config.generated_weight)
            descent.step(loss)
            climb.step(softplus(discriminator(*generated)).mean() + _moment_gap(real, generated))
            progress(Progress(Gan.name, step, steps, loss.item()))
        discriminator.eval()
        with torch.inference_mode():
            real_logit, bad_logit = (discriminator(*each) for each in checked)
            held_back_loss = (softplus(real_logit).mean() + softplus(-bad_logit).mean()).item()
        discriminator.train()
        if held_back_loss < best_loss:
            best, best_loss = _copy(discriminator), held_back_loss
    discriminator.load_state_dict(best)
    with _seeded(config.seed):
        plain = Discriminator(config.gan, table)
    return _without_normalisation(discriminator.eval(), plain), generator.eval()


def _adversarial(
    discriminator: Discriminator, real: Pair, bad: Pair, generated: Pair, generated_weight: float
) -> Tensor:
    """Return the discriminator's logistic loss; its logit is of "not real"."""
    window, last = (torch.cat(each) for each in zip(real, bad, [part.detach() for part in generated], strict=True))
    of_real, of_bad, of_generated = discriminator(window, last).chunk(3)
    loss = softplus(of_real) + softplus(-of_bad) + generated_weight * softplus(-of_generated)
    return loss.mean()


def _moment_gap(real: Pair, generated: Pair) -> Tensor:
    """Return how far means and standard deviations are apart, squared, over steps and features.

    The discriminator hardly looks at the generator, which alone would let it draw one window
    again and again; Salimans et al. 2016 match features for the same reason.
    """
    gaps = [
        (of_real.mean(dim=0) - drawn.mean(dim=0)).square().mean()
        + (of_real.std(dim=0) - drawn.std(dim=0)).square().mean()
        for of_real, drawn in zip(real, generated, strict=True)
    ]
    return torch.stack(gaps).sum()


class _Descent:
    """AdamW with a cosine schedule and short gradients."""

    def __init__(self, network: nn.Module, steps: int, config: TrainingConfig) -> None:
        self._network = network
        self._optimiser = torch.optim.AdamW(
            network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self._schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self._optimiser, steps)

    def step(self, loss: Tensor) -> None:
        """Go one step down the loss; no other network's gradients are kept."""
        self._optimiser.zero_grad()
        parameters = list(self._network.parameters())
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            parameter.grad = gradient
        nn.utils.clip_grad_norm_(parameters, _LONGEST_GRADIENT)
        self._optimiser.step()
        self._schedule.step()


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Draw initial weights from a seed and leave torch's own generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _thinned(windows: Windows) -> Windows:
    """Take at most _CHECKED windows, evenly spread in time."""
    return windows.rows(np.unique(np.linspace(0, len(windows) - 1, min(len(windows), _CHECKED)).astype(np.intp)))


def _pair(windows: Windows, scaling: Scaling) -> Pair:
    window, last = discriminator_inputs(windows, scaling)
    return torch.from_numpy(window), torch.from_numpy(last)


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def _without_normalisation(trained: Discriminator, plain: Discriminator) -> Discriminator:
    """Move weights, as normalised last, into a network that does not normalise."""
    for module in trained.modules():
        if nn.utils.parametrize.is_parametrized(module, "weight"):
            nn.utils.parametrize.remove_parametrizations(module, "weight")
    plain.load_state_dict(trained.state_dict())
    return plain.eval()
