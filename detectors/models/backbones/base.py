"""What every backbone offers to the models on top of it."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn
from torch.nn.functional import pad

from detectors.chunks import ROWS


class Backbone(nn.Module, ABC):
    """A network that reads windows of scaled channels; the last channel is the mask.

    The real steps of a window lie side by side; all others are zero, those before the first event
    and the last one where a model hides it. A window without any real step has a summary too.

    Attributes:
        causal: whether step t of `steps` depends on nothing after t.
        rows: how many windows it reads at a time at most; with more, what it makes of them outgrows the cache.
        width: D.
    """

    causal: ClassVar[bool]
    rows: ClassVar[int] = ROWS

    def __init__(self, width: int) -> None:
        """Remember the width."""
        super().__init__()
        self.width = width

    @abstractmethod
    def forward(self, window: Tensor) -> Tensor:
        """Summarise windows: (B, T, C) -> (B, D)."""

    def past(self, window: Tensor) -> Tensor:
        """Summarise all but the last event: (B, T, C) -> (B, D), as `forward` does where the last step is zero.

        A model that sees the event which it is to expect learns to copy it.
        """
        return self.forward(pad(window[:, :-1], (0, 0, 0, 1)))

    @abstractmethod
    def steps(self, window: Tensor) -> Tensor:
        """Describe each step in its context: (B, T, C) -> (B, T, D)."""


def real_steps(window: Tensor) -> Tensor:
    """Return the mask of windows: (B, T, C) -> (B, T) bool."""
    return window[:, :, -1] > 0


def rows_together(network: nn.Module) -> int:
    """Return how many windows a network should read at a time at most."""
    return min((part.rows for part in network.modules() if isinstance(part, Backbone)), default=ROWS)
