"""What every task is: one model in training, told apart from how training runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from detectors.training.dataset import Examples


@dataclass(frozen=True, slots=True)
class Loss:
    """What one network moves down.

    Attributes:
        total: scalar with gradients.
        parts: scalars worth watching, by name; what belongs in one picture is named alike before a slash.
    """

    total: Tensor
    parts: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the training.

    What is drawn in a step depends on its key alone, so that a training that goes on after a
    kill draws what it would have drawn.

    Attributes:
        at: share of the training that will be done after this step, above 0, at most 1.
        key: non-negative numbers, other ones for every step, process and seed.
    """

    at: float
    key: tuple[int, ...]

    def numbers(self) -> np.random.Generator:
        """Return the source of NumPy's draws of this step."""
        return np.random.default_rng((*self.key, 1))

    def noise(self) -> torch.Generator:
        """Return the source of torch's draws of this step, on the CPU."""
        seed = int(np.random.SeedSequence((*self.key, 2)).generate_state(1, np.uint64)[0] >> np.uint64(1))
        return torch.Generator().manual_seed(seed)


class Task(Protocol):
    """One model in training."""

    @property
    def name(self) -> str:
        """Name of the model, for progress and files."""
        ...

    @property
    def networks(self) -> Sequence[nn.Module]:
        """The networks that learn; the first is what is wanted, others only help it."""
        ...

    def losses(self, batch: Examples, step: Step) -> Iterator[Loss]:
        """Yield the loss of each network, in the order of `networks`.

        The next one is asked for when the network before has moved.
        """
        ...

    def held_back_loss(self) -> float:
        """Judge the first network, which is in evaluation mode, by what it was not trained on; less is better."""
        ...
