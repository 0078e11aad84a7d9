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
from detectors.calibration import TailCurve, TailCurves
from detectors.models.weights import under


@dataclass(frozen=True, slots=True)
class FeatureTails:
    """One tail curve for each of the P risk-directed features.

    Attributes:
        columns: of these features in the table.
        directions: (P,) float32, their risk directions, +1 or -1.
        features: F.
        curves: each of a feature times its risk direction.
    """

    columns: tuple[int, ...]
    directions: Floats
    features: int
    curves: TailCurves

    name = "tails"

    @classmethod
    def fit(cls, windows: Windows, table: FeatureTable) -> Self:
        """Count on ordinary windows."""
        columns, directions = _directed(table)
        measures = windows.last[:, columns] * directions
        return cls(columns, directions, len(table.features), TailCurves([TailCurve.fit(each) for each in measures.T]))

    def score(self, windows: Windows) -> Floats:
        """See `Detector.score`: the largest tail."""
        return np.asarray(self._tails(windows).max(axis=1))

    def explain(self, windows: Windows) -> Floats:
        """See `Detector.explain`: the tail of each feature."""
        heard = np.zeros((len(windows), self.features), np.float32)
        heard[:, self.columns] = self._tails(windows)
        return heard

    def _tails(self, windows: Windows) -> Floats:
        return self.curves(windows.last[:, self.columns] * self.directions)

    def config(self) -> dict[str, object]:
        """Return what a bundle's manifest keeps: nothing."""
        return {}

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return what a bundle keeps."""
        return {
            f"{column}.{part}": array
            for column, curve in zip(self.columns, self.curves.curves, strict=True)
            for part, array in curve.arrays().items()
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
        columns, directions = _directed(table)
        try:
            curves = [TailCurve.of(under(str(column), arrays)) for column in columns]
        except KeyError as error:
            raise ValueError(f"a curve lacks its array {error}") from None
        return cls(columns, directions, len(table.features), TailCurves(curves))


def _directed(table: FeatureTable) -> tuple[tuple[int, ...], Floats]:
    """Return the columns of the risk-directed features and (P,) their directions."""
    risks = {column: feature.risk for column, feature in enumerate(table.features) if feature.risk != 0}
    return tuple(risks), np.array(list(risks.values()), np.float32)
