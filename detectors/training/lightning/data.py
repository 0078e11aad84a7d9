"""Batches of examples, in an order that depends on seed and epoch alone."""

from collections.abc import Iterator
from typing import TypedDict

import numpy as np
import torch
from pytorch_lightning import LightningDataModule

from detectors.training.config import TrainingConfig
from detectors.training.dataset import Examples, batches_an_epoch, shuffled

_ORDER = 1
"""Tells the draws of the order from other draws of the same seed."""


class Place(TypedDict):
    """How many batches of the epoch were given."""

    given: int


class Batches:
    """One epoch's batches, of which each process takes its own rows.

    Processes together learn from as many rows a step as one process alone would.
    """

    def __init__(self, examples: Examples, config: TrainingConfig, epoch: int, *, rank: int, processes: int) -> None:
        """Take what is shared out.

        Args:
            examples: all of them; in memory or mapped from a file.
            config: size of batches, and the seed.
            epoch: from 0.
            rank: of this process.
            processes: how many share each batch.
        """
        self._examples = examples
        self._config = config
        self._epoch = epoch
        self._rank = rank
        self._processes = processes
        self._given = 0

    def __len__(self) -> int:
        """Count the batches of the epoch."""
        return batches_an_epoch(len(self._examples), self._config.batch_size)

    def __iter__(self) -> Iterator[Examples]:
        """Yield the batches that were not given yet."""
        rng = np.random.default_rng([self._config.seed, _ORDER, self._epoch])
        begun, self._given = self._given, 0
        for number, rows in enumerate(shuffled(len(self._examples), self._config.batch_size, rng), start=1):
            if number > begun:
                self._given = number
                yield self._examples.rows(rows[self._rank :: self._processes])

    def state_dict(self) -> Place:
        """Return what a checkpoint keeps."""
        return Place(given=self._given % len(self))

    def load_state_dict(self, place: Place) -> None:
        """Go on where a checkpoint was."""
        self._given = place["given"]


class ExamplesModule(LightningDataModule):
    """What one model learns from; its task holds what it is judged by."""

    def __init__(self, examples: Examples, config: TrainingConfig) -> None:
        """Take examples, oldest first."""
        super().__init__()
        self._examples = examples
        self._config = config

    def train_dataloader(self) -> Batches:
        """Return the batches of the trainer's epoch; asked for anew in each."""
        trainer = self.trainer
        if trainer is None:
            raise RuntimeError("batches are shared out among a trainer's processes: give it this module")
        return Batches(
            self._examples,
            self._config,
            trainer.current_epoch,
            rank=trainer.global_rank,
            processes=trainer.world_size,
        )

    def val_dataloader(self) -> list[int]:
        """Return one step: a task judges all that it is judged by at once."""
        return [0]

    def transfer_batch_to_device(self, batch: Examples, device: torch.device, dataloader_idx: int) -> Examples:
        """Leave arrays where they are: tasks put on the device what they make of them."""
        return batch
