"""A trained network with all that it needs to read windows: what every deep detector is built on."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from detectors.api import FeatureTable, Floats
from detectors.chunks import in_chunks
from detectors.models.backbones.base import rows_together
from detectors.models.weights import config_of, load_weights, under, weights_of
from detectors.scaling import Scaling


class Config(Protocol):
    """A dataclass of numbers and texts, each with a default."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


C = TypeVar("C", bound=Config)
N = TypeVar("N", bound=nn.Module)

Compute = Callable[..., Tensor]
"""Does what a network does: tensors of N rows in, a tensor of N rows out."""


@dataclass(frozen=True, eq=False)
class Trained(Generic[C, N]):
    """A network in use.

    Attributes:
        table: F features.
        settings: what the network was made of.
        scaling: of its inputs.
        network: ready to score.
        compute: what scores in its place, if anything does.
    """

    table: FeatureTable
    settings: C
    scaling: Scaling
    network: N
    compute: Compute | None = None

    def outputs(self, *inputs: Floats) -> Floats:
        """Let the network read arrays of B rows each; return B rows, each with the same bits in any batch."""
        return in_chunks(self.compute or self.network, *inputs, most=self.rows_together)

    @cached_property
    def rows_together(self) -> int:
        """How many windows the network reads at a time at most."""
        return rows_together(self.network)

    def config(self) -> dict[str, object]:
        """Return what a bundle's manifest keeps."""
        return asdict(self.settings)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return what a bundle keeps."""
        scaling = {f"scaling.{part}": array for part, array in self.scaling.arrays().items()}
        return {**weights_of(self.network), **scaling}

    @classmethod
    def load(
        cls,
        kind: type[C],
        make: Callable[[C, FeatureTable], N],
        table: FeatureTable,
        config: Mapping[str, object],
        arrays: Mapping[str, NDArray[np.generic]],
    ) -> Self:
        """Restore what `config` and `arrays` gave.

        Args:
            kind: class of the settings.
            make: makes the network without its weights.
            table: F features.
            config: the settings.
            arrays: scaling and weights; others are not looked at.

        Raises:
            ValueError: a value or an array is missing or does not fit.
        """
        settings = config_of(kind, config)
        try:
            scaling = Scaling.of(under("scaling", arrays), table)
        except KeyError as error:
            raise ValueError(f"the array scaling.{error.args[0]} is missing") from None
        return cls(table, settings, scaling, load_weights(make(settings, table), arrays))
