"""The training loop, one for all models.

    for each batch:  for each network of the task:  loss -> gradients, clipped -> AdamW -> cosine schedule
    after each epoch: judge by held-back windows; the best weights so far are remembered

What is particular to a model stands in its task; a loop of another make needs nothing else.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from detectors.training.config import Progress, TrainingConfig
from detectors.training.dataset import Examples, batches_an_epoch, shuffled

_LONGEST_GRADIENT = 1.0


class Task(Protocol):
    """One model in training."""

    @property
    def name(self) -> str:
        """Name of the model, for progress."""
        ...

    @property
    def networks(self) -> Sequence[nn.Module]:
        """The networks that learn; the first is what is wanted, others only help it."""
        ...

    def losses(self, batch: Examples, at: float) -> Iterator[Tensor]:
        """Yield the loss of each network, in the order of `networks`.

        The next one is asked for when the network before has moved.

        Args:
            batch: the examples of this step.
            at: share of the training that will be done after this step, above 0, at most 1.
        """
        ...

    def held_back_loss(self) -> float:
        """Judge the first network, which is in evaluation mode, by what it was not trained on; less is better."""
        ...


def train(task: Task, examples: Examples, config: TrainingConfig, progress: Callable[[Progress], None]) -> None:
    """Train the networks of a task; the first one gets the weights of its best epoch and is ready to score.

    Args:
        task: what learns.
        examples: what it learns from.
        config: seed, epochs, size of batches, learning rate.
        progress: told of every step.
    """
    rng = np.random.default_rng([config.seed, 1])
    steps = config.epochs * batches_an_epoch(len(examples), config.batch_size)
    wanted = task.networks[0]
    descents = [_Descent(network, steps, config) for network in task.networks]
    best, best_loss, step = _copy(wanted), math.inf, 0
    for _ in range(config.epochs):
        for network in task.networks:
            network.train()
        for rows in shuffled(len(examples), config.batch_size, rng):
            step += 1
            losses = []
            for descent, loss in zip(descents, task.losses(examples.rows(rows), step / steps), strict=True):
                descent.step(loss)
                losses.append(loss.item())
            progress(Progress(task.name, step, steps, losses[0]))
        for network in task.networks:
            network.eval()
        with torch.inference_mode():
            held_back_loss = task.held_back_loss()
        if held_back_loss < best_loss:
            best, best_loss = _copy(wanted), held_back_loss
    wanted.load_state_dict(best)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw initial weights from a seed and leave torch's own generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


class _Descent:
    """AdamW with a cosine schedule and short gradients."""

    def __init__(self, network: nn.Module, steps: int, config: TrainingConfig) -> None:
        self._parameters = list(network.parameters())
        self._optimiser = torch.optim.AdamW(self._parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
        self._schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self._optimiser, steps)

    def step(self, loss: Tensor) -> None:
        """Go one step down the loss; no other network's gradients are kept."""
        for parameter, gradient in zip(self._parameters, torch.autograd.grad(loss, self._parameters), strict=True):
            parameter.grad = gradient
        nn.utils.clip_grad_norm_(self._parameters, _LONGEST_GRADIENT)
        self._optimiser.step()
        self._schedule.step()


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}
