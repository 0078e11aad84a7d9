"""Fine-tuning: finished detectors in, the same detectors for newer windows out.

Weights and scaling are where the old training left them, since weights know their inputs by that
scale; the learning rate is lower, and calibrations are made anew. Where no epoch judges the
held-back windows better than the old weights do, these stay.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import torch
from torch import nn

from detectors.api import Detector, FeatureTable
from detectors.models.autoregressive import Autoregressive, NextEventNetwork
from detectors.models.gan import Discriminator, Gan, Generator
from detectors.models.tails import FeatureTails
from detectors.models.vae import Vae, VaeNetwork
from detectors.registry import Storable
from detectors.training.config import Progress, TrainingConfig
from detectors.training.dataset import Examples, Parts
from detectors.training.loop import Task, seeded, train
from detectors.training.spectral import normalise, settle
from detectors.training.tasks.autoregressive import AutoregressiveTask
from detectors.training.tasks.gan import GanTask
from detectors.training.tasks.vae import VaeTask

SLOWER = 0.2
"""Share of the learning rate."""

Report = Callable[[Progress], None]

N = TypeVar("N", bound=nn.Module)


def tune(
    detectors: Sequence[Detector], parts: Parts, table: FeatureTable, config: TrainingConfig, progress: Report
) -> tuple[Storable, ...]:
    """Fine-tune detectors; the old ones are left as they are.

    Args:
        detectors: of a bundle.
        parts: newer windows, to learn from and to calibrate by.
        table: their features.
        config: as of a first training; the learning rate is lowered here.
        progress: told of every step.

    Raises:
        ValueError: a detector learns from labels, which are not given here.
    """
    slow = replace(config, learning_rate=config.learning_rate * SLOWER, warm_up=0.0)
    return tuple(_tune(detector, parts, table, slow, progress) for detector in detectors)


def _tune(detector: Detector, parts: Parts, table: FeatureTable, config: TrainingConfig, progress: Report) -> Storable:
    if isinstance(detector, FeatureTails):
        # It counts; there is nothing to go on from.
        return FeatureTails.fit(parts.fit, table)
    if isinstance(detector, Vae):
        return _tune_vae(detector, parts, table, config, progress)
    if isinstance(detector, Autoregressive):
        return _tune_autoregressive(detector, parts, table, config, progress)
    if isinstance(detector, Gan):
        return _tune_gan(detector, parts, table, config, progress)
    raise ValueError(f"detector {detector.name!r} cannot be fine-tuned without labels: train a new bundle")


def _tune_vae(vae: Vae, parts: Parts, table: FeatureTable, config: TrainingConfig, progress: Report) -> Vae:
    old, own = vae.trained, replace(config, vae=vae.trained.settings)

    def task(network: VaeNetwork) -> VaeTask:
        return VaeTask(network, old.scaling, table, parts.held_back, own)

    new = copy.deepcopy(old.network)
    train(task(new), Examples(parts.fit), own, progress)
    return Vae.calibrate(replace(old, network=_better(old.network, new, task)), parts.held_back)


def _tune_autoregressive(
    model: Autoregressive, parts: Parts, table: FeatureTable, config: TrainingConfig, progress: Report
) -> Autoregressive:
    old, own = model.trained, replace(config, autoregressive=model.trained.settings)

    def task(network: NextEventNetwork) -> AutoregressiveTask:
        return AutoregressiveTask(network, old.scaling, table, parts.held_back)

    new = copy.deepcopy(old.network)
    train(task(new), Examples(parts.fit), own, progress)
    return Autoregressive.calibrate(replace(old, network=_better(old.network, new, task)), parts.held_back)


def _tune_gan(gan: Gan, parts: Parts, table: FeatureTable, config: TrainingConfig, progress: Report) -> Gan:
    """Go on with the discriminator; bundles keep no generator, so a new one begins."""
    old, own = gan.trained, replace(config, gan=gan.trained.settings)
    new = copy.deepcopy(old.network)
    with seeded(config.seed + 1):
        generator = Generator(own.gan, table)
        normalise(new, but=new.logit)

    def task(network: Discriminator) -> GanTask:
        return GanTask((network, generator), old.scaling, table, parts.held_back, own)

    train(task(new), Examples(parts.fit), own, progress)
    settle(new)
    return Gan.finish(replace(old, network=_better(old.network, new, task)), parts.fit)


def _better(old: N, new: N, task: Callable[[N], Task]) -> N:
    """Return the network that judges the held-back windows better, the old one where they do equally."""
    with torch.inference_mode():
        before, after = (task(network.eval()).held_back_loss() for network in (old, new))
    return new if after < before else copy.deepcopy(old)
