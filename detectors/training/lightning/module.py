"""A task as Lightning runs it: one optimiser for each network, moved by hand.

    for each network of the task:  loss -> gradients, clipped -> AdamW -> cosine schedule
    after each epoch: judged by held-back windows; the best weights so far are remembered

By hand, because two networks that play against each other move in turn within one step.
"""

import math
from collections.abc import Mapping
from typing import Any, TypedDict

from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from detectors.training.config import TrainingConfig
from detectors.training.dataset import Examples
from detectors.training.tasks.base import Step, Task

HELD_BACK = "held_back_loss"
"""Name of what is judged by."""

_BEST = "best"
_DRAWS = 2
"""Tells the draws of steps from other draws of the same seed."""


class StepResult(TypedDict):
    """What a step tells.

    Attributes:
        loss: of the first network.
        parts: what is worth watching of all networks.
    """

    loss: Tensor
    parts: Mapping[str, Tensor]


class TaskModule(LightningModule):
    """Any task in training."""

    def __init__(self, task: Task, config: TrainingConfig, batches: int) -> None:
        """Take a task.

        Args:
            task: what learns.
            config: seed, epochs, learning rate, longest gradient.
            batches: of an epoch.
        """
        super().__init__()
        self.automatic_optimization = False
        self.networks = nn.ModuleList(task.networks)
        self._task = task
        self._config = config
        self.batches = batches
        self._optimisers: list[AdamW] = []
        self._schedules: list[CosineAnnealingLR] = []
        self.best: dict[str, Tensor] = {}
        self.best_loss = math.inf
        self.finished = False

    @property
    def task(self) -> Task:
        """What learns."""
        return self._task

    @property
    def learning_rate(self) -> float:
        """That of the next step."""
        return float(self._schedules[0].get_last_lr()[0])

    def configure_optimizers(self) -> tuple[list[AdamW], list[CosineAnnealingLR]]:
        """Return an optimiser and its schedule for each network."""
        config = self._config
        self._optimisers = [
            AdamW(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
            for network in self.networks
        ]
        steps = config.epochs * self.batches
        self._schedules = [CosineAnnealingLR(optimiser, steps) for optimiser in self._optimisers]
        return self._optimisers, self._schedules

    def steps_before(self, batch: int) -> int:
        """Return how many steps were done before a batch of this epoch."""
        return self.current_epoch * self.batches + batch

    def training_step(self, batch: Examples, batch_idx: int) -> StepResult:
        """Move each network once."""
        done = self.steps_before(batch_idx)
        step = Step(
            (done + 1) / (self._config.epochs * self.batches), (self._config.seed, _DRAWS, done, self.global_rank)
        )
        # Gradients of a loss for other networks than its own are never used. Distributed training
        # waits for all of them; alone, they are not computed.
        alone = self.trainer.world_size == 1
        totals: list[Tensor] = []
        parts: dict[str, Tensor] = {}
        moved = zip(self._wrapped(), self._schedules, self.networks, self._task.losses(batch, step), strict=True)
        for optimiser, schedule, network, loss in moved:
            optimiser.zero_grad()
            if alone:
                self.manual_backward(loss.total, inputs=list(network.parameters()))
            else:
                self.manual_backward(loss.total)
            self.clip_gradients(optimiser, self._config.longest_gradient, "norm")
            optimiser.step()
            schedule.step()
            totals.append(loss.total.detach())
            parts.update(loss.parts)
        return StepResult(loss=totals[0], parts=parts)

    def _wrapped(self) -> list[Any]:
        """Return the optimisers as Lightning wraps them, which its types do not tell of."""
        optimisers = self.optimizers()
        return optimisers if isinstance(optimisers, list) else [optimisers]

    def validation_step(self, batch: int, batch_idx: int) -> None:
        """Judge by held-back windows."""
        loss = self._task.held_back_loss()
        if loss < self.best_loss:
            self.best_loss = loss
            self.best = {name: tensor.clone() for name, tensor in self.networks[0].state_dict().items()}
        self.log(HELD_BACK, loss, batch_size=1, sync_dist=True)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the best weights so far beside the newest."""
        checkpoint[_BEST] = {
            "loss": self.best_loss,
            "weights": self.best,
            "finished": self.finished,
            "config": repr(self._config),
        }

    def began(self, checkpoint: Mapping[str, Any]) -> bool:
        """Tell whether a checkpoint is of a training with this configuration."""
        return bool(checkpoint[_BEST]["config"] == repr(self._config))

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Remember the best weights so far."""
        best = checkpoint[_BEST]
        self.best_loss, self.best, self.finished = best["loss"], best["weights"], best["finished"]
