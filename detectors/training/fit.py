"""Training: windows in time order in, finished detectors out.

The same windows, configuration, machine and versions give the same weights: every draw comes
from the seed, and torch computes in one order.
"""

from collections.abc import Callable

from detectors.api import FeatureTable, Windows
from detectors.models.gan import Discriminator, Gan, Generator
from detectors.models.trained import Trained
from detectors.models.vae import Vae, VaeNetwork
from detectors.scaling import Scaling
from detectors.training.config import Progress, TrainingConfig
from detectors.training.dataset import Examples, Parts, split_by_time
from detectors.training.loop import seeded, train
from detectors.training.spectral import normalise, settle
from detectors.training.tasks.gan import GanTask
from detectors.training.tasks.vae import VaeTask

__all__ = ["Progress", "TrainingConfig", "fit_gan", "fit_vae", "split", "train_gan", "train_vae"]

Report = Callable[[Progress], None]


def split(windows: Windows, config: TrainingConfig) -> Parts:
    """Split windows, oldest first, into those to learn from and those held back."""
    return split_by_time(windows, config.held_back_share)


def fit_vae(parts: Parts, table: FeatureTable, config: TrainingConfig, progress: Report) -> Vae:
    """Train and calibrate the VAE; the epoch that expects the held-back windows best is kept."""
    scaling = Scaling.fit(parts.fit, table)
    network = train_vae(parts, scaling, table, config, progress)
    return Vae.calibrate(Trained(table, config.vae, scaling, network), parts.held_back)


def train_vae(
    parts: Parts, scaling: Scaling, table: FeatureTable, config: TrainingConfig, progress: Report
) -> VaeNetwork:
    """Train the VAE's network."""
    with seeded(config.seed):
        network = VaeNetwork(config.vae, table)
    train(VaeTask(network, scaling, table, parts.held_back, config), Examples(parts.fit), config, progress)
    return network


def fit_gan(parts: Parts, table: FeatureTable, config: TrainingConfig, progress: Report) -> Gan:
    """Train the GAN; the epoch whose discriminator tells held-back windows from corruptions best is kept."""
    scaling = Scaling.fit(parts.fit, table)
    discriminator, _ = train_gan(parts, scaling, table, config, progress)
    return Gan.finish(Trained(table, config.gan, scaling, discriminator), parts.fit)


def train_gan(
    parts: Parts, scaling: Scaling, table: FeatureTable, config: TrainingConfig, progress: Report
) -> tuple[Discriminator, Generator]:
    """Train discriminator and generator; the discriminator comes without its normalisation."""
    with seeded(config.seed + 1):
        discriminator, generator = Discriminator(config.gan, table), Generator(config.gan, table)
        normalise(discriminator, but=discriminator.logit)
    task = GanTask((discriminator, generator), scaling, table, parts.held_back, config)
    train(task, Examples(parts.fit), config, progress)
    settle(discriminator)
    return discriminator, generator
