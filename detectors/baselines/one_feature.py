"""A single feature as the score."""

from dataclasses import dataclass

import numpy as np

from detectors.api import FeatureTable, Floats, Windows


@dataclass(frozen=True, slots=True)
class OneFeature:
    """A feature of the last event, in its risky direction.

    Attributes:
        name: of the baseline.
        column: of the feature.
        direction: +1 or -1.
    """

    name: str
    column: int
    direction: int

    @classmethod
    def of(cls, name: str, feature: str, table: FeatureTable) -> "OneFeature":
        """Choose the feature.

        Raises:
            KeyError: there is no such feature.
            ValueError: it has no risky direction.
        """
        column = table.column(feature)
        direction = table.features[column].risk
        if not direction:
            raise ValueError(f"{feature} is context only: no direction of it is risky")
        return cls(name, column, direction)

    @property
    def parameters(self) -> int:
        """Nothing is learnt."""
        return 0

    def score(self, windows: Windows) -> Floats:
        """See `Detector.score`."""
        return np.asarray(self.direction * windows.last[:, self.column], np.float32)
