"""What every back end offers."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from detectors.models.trained import Compute


@dataclass(frozen=True, slots=True)
class Prepared:
    """A network as a back end runs it.

    Attributes:
        compute: takes and returns what the network does, for any number of rows from 2 on.
        size: bytes of what is run, weights and all.
    """

    compute: Compute
    size: int


class Backend(Protocol):
    """A way to run networks."""

    @property
    def name(self) -> str:
        """How it is chosen."""
        ...

    @property
    def tolerance(self) -> float:
        """How far scores may lie from those of `eager`, in standard deviations of a detector's scores."""
        ...

    def prepare(self, network: nn.Module, example: tuple[Tensor, ...]) -> Prepared:
        """Get a network ready.

        Args:
            network: with its weights, ready to score; stays as it is.
            example: its inputs for some rows.

        Raises:
            ImportError: a library is missing.
        """
        ...
