"""torch, layer by layer: what all other back ends are measured by."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from detectors.backends.base import Prepared


@dataclass(frozen=True, slots=True)
class Eager:
    """Runs the network itself."""

    name: ClassVar[str] = "eager"
    tolerance: ClassVar[float] = 0.0

    def prepare(self, network: nn.Module, example: tuple[Tensor, ...]) -> Prepared:  # noqa: ARG002 (the form of all)
        """See `Backend.prepare`."""
        return Prepared(network, sum(each.nbytes for each in network.state_dict().values()))
