"""Training: windows in time order in, finished detectors out; each may start from a pre-trained backbone.

The same windows, configuration, machine and versions give the same weights: every draw comes
from the seed, and torch computes in one order.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from detectors.api import FeatureTable, Windows
from detectors.models.autoregressive import Autoregressive, NextEventNetwork
from detectors.models.backbones.base import Backbone
from detectors.models.classifier import Classifier, ClassifierNetwork
from detectors.models.gan import Discriminator, Gan, Generator
from detectors.models.trained import Trained
from detectors.models.vae import Vae, VaeNetwork
from detectors.scaling import Scaling
from detectors.training.config import NOWHERE, Folders, Progress, TrainingConfig
from detectors.training.dataset import Examples, Parts, split_by_time
from detectors.training.loop import AfterEpoch, seeded, train
from detectors.training.pretrain import Pretrained
from detectors.training.spectral import normalise, settle
from detectors.training.tasks.autoregressive import AutoregressiveTask
from detectors.training.tasks.classifier import ClassifierTask
from detectors.training.tasks.gan import GanTask
from detectors.training.tasks.vae import VaeTask

__all__ = [
    "NOWHERE",
    "Folders",
    "Progress",
    "TrainingConfig",
    "fit_autoregressive",
    "fit_classifier",
    "fit_gan",
    "fit_vae",
    "split",
    "train_gan",
    "train_vae",
]

Report = Callable[[Progress], None]


def split(windows: Windows, config: TrainingConfig) -> Parts:
    """Split windows, oldest first, into those to learn from and those held back."""
    return split_by_time(windows, config.held_back_share)


def fit_vae(
    parts: Parts,
    table: FeatureTable,
    config: TrainingConfig,
    progress: Report,
    *,
    start: Pretrained | None = None,
    folders: Folders = NOWHERE,
    after_epoch: AfterEpoch | None = None,
) -> Vae:
    """Train and calibrate the VAE; the epoch that expects the held-back windows best is kept."""
    scaling = Scaling.fit(parts.fit, table)
    network = train_vae(parts, scaling, table, config, progress, start=start, folders=folders, after_epoch=after_epoch)
    return Vae.calibrate(Trained(table, config.vae, scaling, network), parts.held_back)


def train_vae(
    parts: Parts,
    scaling: Scaling,
    table: FeatureTable,
    config: TrainingConfig,
    progress: Report,
    *,
    start: Pretrained | None = None,
    folders: Folders = NOWHERE,
    after_epoch: AfterEpoch | None = None,
) -> VaeNetwork:
    """Train the VAE's network."""
    with seeded(config.seed):
        network = VaeNetwork(config.vae, table)
    _begin(network.context, start)
    task = VaeTask(network, scaling, table, parts.held_back, config)
    train(task, Examples(parts.fit), config, progress, folders, after_epoch=after_epoch)
    return network


def fit_gan(
    parts: Parts,
    table: FeatureTable,
    config: TrainingConfig,
    progress: Report,
    *,
    start: Pretrained | None = None,
    folders: Folders = NOWHERE,
    after_epoch: AfterEpoch | None = None,
) -> Gan:
    """Train the GAN; the epoch whose discriminator tells held-back windows from corruptions best is kept."""
    scaling = Scaling.fit(parts.fit, table)
    discriminator, _ = train_gan(
        parts, scaling, table, config, progress, start=start, folders=folders, after_epoch=after_epoch
    )
    return Gan.finish(Trained(table, config.gan, scaling, discriminator), parts.fit)


def train_gan(
    parts: Parts,
    scaling: Scaling,
    table: FeatureTable,
    config: TrainingConfig,
    progress: Report,
    *,
    start: Pretrained | None = None,
    folders: Folders = NOWHERE,
    after_epoch: AfterEpoch | None = None,
) -> tuple[Discriminator, Generator]:
    """Train discriminator and generator; the discriminator comes without its normalisation."""
    with seeded(config.seed + 1):
        discriminator, generator = Discriminator(config.gan, table), Generator(config.gan, table)
        _begin(discriminator.backbone, start)
        normalise(discriminator, but=discriminator.logit)
    task = GanTask((discriminator, generator), scaling, table, parts.held_back, config)
    train(task, Examples(parts.fit), config, progress, folders, after_epoch=after_epoch)
    settle(discriminator)
    return discriminator, generator


def fit_autoregressive(
    parts: Parts,
    table: FeatureTable,
    config: TrainingConfig,
    progress: Report,
    *,
    start: Pretrained | None = None,
    folders: Folders = NOWHERE,
) -> Autoregressive:
    """Train and calibrate the autoregressive model; the epoch that expects the held-back events best is kept."""
    scaling = Scaling.fit(parts.fit, table)
    with seeded(config.seed + 2):
        network = NextEventNetwork(config.autoregressive, table)
    _begin(network.context, start)
    task = AutoregressiveTask(network, scaling, table, parts.held_back)
    train(task, Examples(parts.fit), config, progress, folders)
    return Autoregressive.calibrate(Trained(table, config.autoregressive, scaling, network), parts.held_back)


def fit_classifier(
    parts: Parts,
    fraud: NDArray[np.bool_],
    table: FeatureTable,
    config: TrainingConfig,
    progress: Report,
    *,
    start: Pretrained | None = None,
    folders: Folders = NOWHERE,
) -> Classifier:
    """Train and calibrate the classifier; the epoch that tells held-back frauds best is kept.

    Args:
        parts: windows whose labels are known by now.
        fraud: (N,) those labels, of the windows to learn from and then of those held back.
        table: their features.
        config: of the training.
        progress: told of every step.
        start: what the backbone starts from.
        folders: see `train`.

    Raises:
        ValueError: there are not as many labels as windows, or those to learn from are all of one kind.
    """
    count = len(parts.fit)
    if len(fraud) != count + len(parts.held_back):
        raise ValueError(f"{len(fraud)} labels for {count + len(parts.held_back)} windows: give one for each")
    fit, held_back = Examples(parts.fit, fraud[:count]), Examples(parts.held_back, fraud[count:])
    scaling = Scaling.fit(parts.fit, table)
    with seeded(config.seed + 3):
        network = ClassifierNetwork(config.classifier, table)
    _begin(network.backbone, start)
    train(ClassifierTask(network, scaling, fit, held_back, config), fit, config, progress, folders)
    return Classifier.calibrate(Trained(table, config.classifier, scaling, network), parts.held_back, fraud[count:])


def _begin(backbone: Backbone, start: Pretrained | None) -> None:
    if start is not None:
        start.begin(backbone)
