"""Features of all units on one scale, in the form that networks read.

Channels of a step: the S window features, the *centred amount* and the mask. The centred
amount is ln((a + 0.5) / (m + 0.5)) with the amount a of that step and the user's mean m as of
the judged event: `amount_ratio` compares each step with the mean of its own time, which a run
of large payments has already raised.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.api import FeatureTable, Floats, Windows

LEAST = -4.0
MOST = 8.0
"""Bounds of scaled values; the upper one is wider, since large values are what is looked for."""

EXTRA_CHANNELS = 2
_FARTHEST = 10_000.0
"""Bound of scaled values where no other is meant: far beyond all that occurs, far below overflow."""
_SMALLEST_SCALE = 1e-6


@dataclass(frozen=True, slots=True)
class Scaling:
    """Means and standard deviations of features.

    Attributes:
        center: (F,) float32.
        scale: (F,) float32, positive; 1 for a feature that never changed.
        steps: S.
        amount: column of log_amount.
        ratio: column of amount_ratio.
    """

    center: Floats
    scale: Floats
    steps: int
    amount: int
    ratio: int

    @classmethod
    def fit(cls, windows: Windows, table: FeatureTable) -> Self:
        """Measure features on the last events.

        Every step of a window is the last event of an earlier one, so this measures the steps too.
        """
        center = windows.last.mean(axis=0, dtype=np.float64)
        scale = windows.last.std(axis=0, dtype=np.float64)
        scale[scale < _SMALLEST_SCALE] = 1
        return cls(
            center.astype(np.float32),
            scale.astype(np.float32),
            table.steps,
            table.column("log_amount"),
            table.column("amount_ratio"),
        )

    @property
    def channels(self) -> int:
        """C, channels of a step."""
        return self.steps + EXTRA_CHANNELS

    def window(self, windows: Windows) -> Floats:
        """Return (B, T, C) float32 channels within LEAST and MOST; steps before the first event are zero."""
        count, length, _ = windows.steps.shape
        # Steps come last, so that the real ones stand at the end.
        real = np.arange(length) >= length - windows.length[:, None]
        last, ratio = (
            self._bounded(windows.last[:, column], column, -_FARTHEST, _FARTHEST)
            for column in (self.amount, self.ratio)
        )
        amount = self._bounded(windows.steps[:, :, self.amount], self.amount, -_FARTHEST, _FARTHEST)
        centred = (amount - (last - ratio)[:, None] - self.center[self.ratio]) / self.scale[self.ratio]
        # On rows of T·S values NumPy is faster than on rows of S, and than its clip with such bounds.
        center, scale = (np.tile(each[: self.steps], length) for each in (self.center, self.scale))
        own = np.maximum(windows.steps.reshape(count, length * self.steps), center + LEAST * scale)
        np.minimum(own, center + MOST * scale, out=own)
        own -= center
        own /= scale
        np.clip(own, LEAST, MOST, out=own)
        channels = np.empty((count, length, self.channels), np.float32)
        channels[:, :, : self.steps] = own.reshape(count, length, self.steps)
        channels[:, :, self.steps] = np.clip(centred, LEAST, MOST)
        channels[:, :, self.steps + 1] = 1
        channels[~real] = 0
        return channels

    def last(self, windows: Windows) -> Floats:
        """Return (B, F) float32 scaled features of the last event, bounded only to stay finite."""
        every = slice(None)
        return self._scaled(self._bounded(windows.last, every, -_FARTHEST, _FARTHEST), every)

    def _bounded(self, values: Floats, columns: slice | int, least: float, most: float) -> Floats:
        """Bound values by scaled bounds before they are scaled, so that nothing overflows."""
        center, scale = self.center[columns], self.scale[columns]
        return np.asarray(np.clip(values, center + least * scale, center + most * scale), np.float32)

    def _scaled(self, values: Floats, columns: slice) -> Floats:
        return np.asarray((values - self.center[columns]) / self.scale[columns], np.float32)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return what a bundle keeps."""
        return {"center": self.center, "scale": self.scale}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.generic]], table: FeatureTable) -> Self:
        """Restore what `arrays` gave.

        Raises:
            ValueError: the arrays do not fit the table, or a scale is not positive.
            KeyError: an array is missing.
        """
        center, scale = (np.asarray(arrays[name], np.float32) for name in ("center", "scale"))
        expected = (len(table.features),)
        if center.shape != expected or scale.shape != expected:
            raise ValueError(f"not a scaling of {expected[0]} features: shapes {center.shape} and {scale.shape}")
        if not (np.isfinite(scale) & (scale > 0)).all():
            raise ValueError("not a scaling: a scale is not positive or not finite")
        return cls(center, scale, table.steps, table.column("log_amount"), table.column("amount_ratio"))
