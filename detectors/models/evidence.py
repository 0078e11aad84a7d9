"""Several measures of one event, each about one feature, heard together and told apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.api import Floats
from detectors.calibration import TailCurve, TailCurves
from detectors.models.weights import under

_HEARD = 3
"""How many tails the score adds up. One alone may be chance and most are; all together would
drown the few that matter. In simulated worlds 3 did better than 1 and than all."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One tail curve for each of P measures; larger measures are worse.

    Attributes:
        columns: for each measure the feature that it speaks of, at most one measure a feature.
        features: F.
        curves: from each measure to its tail.
    """

    columns: tuple[int, ...]
    features: int
    curves: TailCurves

    @classmethod
    def fit(cls, measures: Floats, columns: Sequence[int], features: int) -> Self:
        """Learn how large the (B, P) measures of ordinary windows are that no model was trained on."""
        return cls(tuple(columns), features, TailCurves([TailCurve.fit(column) for column in measures.T]))

    def score(self, measures: Floats) -> Floats:
        """Return (B,) sums of the largest tails of (B, P) measures."""
        rarest = np.sort(self.curves(measures), axis=1)[:, -_HEARD:]
        # Column by column: a sum along rows may round otherwise in other batches.
        return sum(rarest.T, np.zeros(len(measures), np.float32))

    def explain(self, measures: Floats) -> Floats:
        """Return (B, F) the tails that the score is the sum of."""
        tails = self.curves(measures)
        counted = tails >= np.sort(tails, axis=1)[:, -_HEARD:][:, :1]
        heard = np.zeros((len(measures), self.features), np.float32)
        heard[:, self.columns] = tails * counted
        return heard

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return what a bundle keeps."""
        return {
            f"curve.{place}.{part}": array
            for place, curve in enumerate(self.curves.curves)
            for part, array in curve.arrays().items()
        }

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.generic]], columns: Sequence[int], features: int) -> Self:
        """Restore what `arrays` gave.

        Raises:
            ValueError: a curve is missing or damaged.
        """
        try:
            curves = [TailCurve.of(under(f"curve.{place}", arrays)) for place in range(len(columns))]
        except KeyError as error:
            raise ValueError(f"a curve lacks its array {error}") from None
        return cls(tuple(columns), features, TailCurves(curves))
