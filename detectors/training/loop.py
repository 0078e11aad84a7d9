"""Training of any task; what runs it, Lightning, is imported when something is trained."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from detectors.training.config import NOWHERE, Folders, Progress, TrainingConfig
from detectors.training.dataset import Examples
from detectors.training.tasks.base import Task

__all__ = ["AfterEpoch", "Task", "seeded", "train"]

AfterEpoch = Callable[[int, Task], None]
"""Looks at a task after each epoch, from 0, with its networks in evaluation mode; what it raises ends the training."""


def train(
    task: Task,
    examples: Examples,
    config: TrainingConfig,
    progress: Callable[[Progress], None],
    folders: Folders = NOWHERE,
    *,
    after_epoch: AfterEpoch | None = None,
) -> None:
    """Train the networks of a task; the first one gets the weights of its best epoch and is ready to score.

    Args:
        task: what learns.
        examples: what it learns from.
        config: seed, epochs, size of batches, learning rate.
        progress: told of every step.
        folders: a training that left checkpoints there goes on from them.
        after_epoch: looks on.

    Raises:
        ImportError: the extra `train` is not installed.
    """
    from detectors.training.lightning.run import run  # noqa: PLC0415 (needs an extra, and seconds)

    best = run(task, examples, config, progress, folders, after_epoch=after_epoch)
    for network in task.networks:
        network.eval()
    if best:
        task.networks[0].load_state_dict(best)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw initial weights from a seed and leave torch's own generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
