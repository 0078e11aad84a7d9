"""The detectors that a bundle can hold, by the name of their kind."""

from collections.abc import Mapping
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from detectors.api import Detector, FeatureTable
from detectors.models.autoregressive import Autoregressive
from detectors.models.classifier import Classifier
from detectors.models.gan import Gan
from detectors.models.tails import FeatureTails
from detectors.models.vae import Vae


class Storable(Detector, Protocol):
    """A detector that a bundle can hold."""

    def config(self) -> dict[str, object]:
        """Return what JSON can hold of it."""
        ...

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the rest of it: arrays by name."""
        ...

    @classmethod
    def load(cls, table: FeatureTable, config: Mapping[str, object], arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        """Restore a detector that scores the same bits.

        Raises:
            ValueError: the parts do not make one.
        """
        ...


KINDS: Mapping[str, type[Storable]] = {
    "tails": FeatureTails,
    "vae": Vae,
    "gan": Gan,
    "autoregressive": Autoregressive,
    "classifier": Classifier,
}
