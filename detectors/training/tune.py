"""Fine-tuning: finished detectors in, the same detectors for newer windows out.

Weights and scaling are where the old training left them, since weights know their inputs by that
scale; the learning rate is lower, and calibrations are made anew. Where no epoch judges the
held-back windows better than the old weights do, these stay.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import nn

from detectors.api import Detector, FeatureTable
from detectors.models.autoregressive import Autoregressive, NextEventNetwork
from detectors.models.gan import Discriminator, Gan, Generator
from detectors.models.tails import FeatureTails
from detectors.models.vae import Vae, VaeNetwork
from detectors.registry import Storable
from detectors.training.config import NOWHERE, Folders, Progress, TrainingConfig
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
    detectors: Sequence[Detector],
    parts: Parts,
    table: FeatureTable,
    config: TrainingConfig,
    progress: Report,
    *,
    folders: Folders = NOWHERE,
) -> tuple[Storable, ...]:
    """Fine-tune detectors; the old ones are left as they are.

    Args:
        detectors: of a bundle.
        parts: newer windows, to learn from and to calibrate by.
        table: their features.
        config: as of a first training; the learning rate is lowered here.
        progress: told of every step.
        folders: a fine-tuning of these detectors that was killed goes on from the checkpoints that it left there.

    Raises:
        ValueError: a detector learns from labels, which are not given here.
    """
    slow = replace(config, learning_rate=config.learning_rate * SLOWER, warm_up=0.0)
    lesson = _Lesson(parts, table, slow, progress, folders)
    return tuple(_tune(detector, lesson) for detector in detectors)


@dataclass(frozen=True, slots=True)
class _Lesson:
    parts: Parts
    table: FeatureTable
    config: TrainingConfig
    progress: Report
    folders: Folders

    def teach(self, task: Task, config: TrainingConfig) -> None:
        train(task, Examples(self.parts.fit), config, self.progress, self.folders)


def _tune(detector: Detector, lesson: _Lesson) -> Storable:
    if isinstance(detector, FeatureTails):
        # It counts; there is nothing to go on from.
        return FeatureTails.fit(lesson.parts.fit, lesson.table)
    if isinstance(detector, Vae):
        return _tune_vae(detector, lesson)
    if isinstance(detector, Autoregressive):
        return _tune_autoregressive(detector, lesson)
    if isinstance(detector, Gan):
        return _tune_gan(detector, lesson)
    raise ValueError(f"detector {detector.name!r} cannot be fine-tuned without labels: train a new bundle")


def _tune_vae(vae: Vae, lesson: _Lesson) -> Vae:
    old, own, held_back = vae.trained, replace(lesson.config, vae=vae.trained.settings), lesson.parts.held_back

    def task(network: VaeNetwork) -> VaeTask:
        return VaeTask(network, old.scaling, lesson.table, held_back, own)

    new = copy.deepcopy(old.network)
    lesson.teach(task(new), own)
    return Vae.calibrate(replace(old, network=_better(old.network, new, task)), held_back)


def _tune_autoregressive(model: Autoregressive, lesson: _Lesson) -> Autoregressive:
    old, held_back = model.trained, lesson.parts.held_back

    def task(network: NextEventNetwork) -> AutoregressiveTask:
        return AutoregressiveTask(network, old.scaling, lesson.table, held_back)

    new = copy.deepcopy(old.network)
    lesson.teach(task(new), replace(lesson.config, autoregressive=old.settings))
    return Autoregressive.calibrate(replace(old, network=_better(old.network, new, task)), held_back)


def _tune_gan(gan: Gan, lesson: _Lesson) -> Gan:
    """Go on with the discriminator; bundles keep no generator, so a new one begins."""
    old, own = gan.trained, replace(lesson.config, gan=gan.trained.settings)
    new = copy.deepcopy(old.network)
    with seeded(own.seed + 1):
        generator = Generator(own.gan, lesson.table)
        normalise(new, but=new.logit)

    def task(network: Discriminator) -> GanTask:
        return GanTask((network, generator), old.scaling, lesson.table, lesson.parts.held_back, own)

    lesson.teach(task(new), own)
    settle(new)
    return Gan.finish(replace(old, network=_better(old.network, new, task)), lesson.parts.fit)


def _better(old: N, new: N, task: Callable[[N], Task]) -> N:
    """Return the network that judges the held-back windows better, the old one where they do equally."""
    with torch.inference_mode():
        before, after = (task(network.eval()).held_back_loss() for network in (old, new))
    return new if after < before else copy.deepcopy(old)
