"""The plain detector: how rare is the most unusual risky feature of the last event.

It knows nothing of order or context, needs no training beyond counting, and can be explained
in one sentence. Others must beat it to be worth their cost.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.api import FeatureTable, Floats, Windows
from detectors.calibration import TailCurve


@dataclass(frozen=True, slots=True)
class FeatureTails:
    """One tail curve for each risk-directed feature.

    Attributes:
        curves: by column of the feature table; each is of the feature times its risk direction.
        directions: the risk direction of each of these columns, +1 or -1.
        features: F.
    """

    curves: dict[int, TailCurve]
    directions: dict[int, int]
    features: int

    name = "tails"

    @classmethod
    def fit(cls, windows: Windows, table: FeatureTable) -> Self:
        """Count on ordinary windows."""
        directions = {column: feature.risk for column, feature in enumerate(table.features) if feature.risk != 0}
        curves = {column: TailCurve.fit(risk * windows.last[:, column]) for column, risk in directions.items()}
        return cls(curves, directions, len(table.features))

    def score(self, windows: Windows) -> Floats:
        """See `Detector.score`: the largest tail."""
        return np.asarray(self.explain(windows).max(axis=1))

    def explain(self, windows: Windows) -> Floats:
        """See `Detector.explain`: the tail of each feature."""
        tails = np.zeros((len(windows), self.features), np.float32)
        for column, curve in self.curves.items():
            tails[:, column] = curve(self.directions[column] * windows.last[:, column])
        return tails

    def config(self) -> dict[str, object]:
        """Return what a bundle's manifest keeps: nothing."""
        return {}

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return what a bundle keeps."""
        return {
            f"{column}.{part}": array for column, curve in self.curves.items() for part, array in curve.arrays().items()
        }

    @classmethod
    def load(
        cls,
        table: FeatureTable,
        config: Mapping[str, object],  # noqa: ARG003 (the form that every kind has)
        arrays: Mapping[str, NDArray[np.generic]],
    ) -> Self:
        """Restore what `arrays` gave.

        Raises:
            ValueError: a curve is missing or damaged.
        """
        directions = {column: f.risk for column, f in enumerate(table.features) if f.risk != 0}
        try:
            curves = {
                column: TailCurve.of({part: arrays[f"{column}.{part}"] for part in ("scores", "tails", "scale")})
                for column in directions
            }
        except KeyError as error:
            raise ValueError(f"the curve {error} is missing") from None
        return cls(curves, directions, len(table.features))
