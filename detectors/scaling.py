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
from detectors.compiled import compiled, compiled_cached
from detectors.rings import Rings, read_window

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
        """Return (B, T, C) float32 channels within LEAST and MOST; steps before the first event are zero.

        Detectors that learnt from the same payments share them: they must not be written to.
        """
        return windows.once((self.center.tobytes(), self.scale.tobytes()), lambda: self._channels_of(windows))

    def _channels_of(self, windows: Windows) -> Floats:
        parts = windows.rings
        channels = np.empty((len(windows), parts[0].window, self.channels), np.float32)
        start = 0
        for rings in parts:
            own = slice(start, start + len(rings.rows))
            _scale(
                rings,
                windows.length[own],
                windows.last[own],
                self.center,
                self.scale,
                self.amount,
                self.ratio,
                channels[own],
            )
            start = own.stop
        return channels

    def last(self, windows: Windows, least: float = -_FARTHEST, most: float = _FARTHEST) -> Floats:
        """Return (B, F) float32 scaled features of the last event, within bounds: by default only to stay finite."""
        scaled = np.empty(windows.last.shape, np.float32)
        _scale_last(windows.last, self.center, self.scale, np.float32(least), np.float32(most), scaled)
        return scaled

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


@compiled
def _bounded(value: np.float32, least: np.float32, most: np.float32) -> np.float32:
    """Return the nearest value within bounds; what is no number stays none."""
    return min(max(value, least), most)


@compiled_cached
def _scale(
    rings: Rings,
    length: NDArray[np.int32],
    last: Floats,
    center: Floats,
    scale: Floats,
    amount: int,
    ratio: int,
    channels: Floats,
) -> None:
    """Write the channels of windows: see `Scaling.window`."""
    window, features = channels.shape[1], rings.displaced.shape[1]
    # One window at a time is read to where the processor has it at hand.
    flat, seen = np.empty(window * features, np.float32), np.zeros(window, np.bool_)
    steps = flat.reshape(window, features)
    least, most = np.float32(LEAST), np.float32(MOST)
    # Divisions are checked for zero, one by one; products go eight at a time.
    inverse = np.float32(1) / scale
    # Amounts are bounded before they meet: infinity less infinity would be no number.
    lowest, highest = center - np.float32(_FARTHEST) * scale, center + np.float32(_FARTHEST) * scale
    for row in range(len(length)):
        read_window(row, rings, seen, flat)
        last_amount = _bounded(last[row, amount], lowest[amount], highest[amount])
        mean = last_amount - _bounded(last[row, ratio], lowest[ratio], highest[ratio]) + center[ratio]
        # All steps, as loops that begin at 0 are the ones that go eight at a time.
        for step in range(window):
            for column in range(features):
                scaled = (steps[step, column] - center[column]) * inverse[column]
                channels[row, step, column] = _bounded(scaled, least, most)
            value = _bounded(steps[step, amount], lowest[amount], highest[amount])
            centred = (value - mean) * inverse[ratio]
            channels[row, step, features] = _bounded(centred, least, most)
            channels[row, step, features + 1] = 1
        channels[row, : window - length[row]] = 0


@compiled_cached
def _scale_last(
    last: Floats, center: Floats, scale: Floats, least: np.float32, most: np.float32, scaled: Floats
) -> None:
    """Write scaled features: see `Scaling.last`."""
    rows, features = last.shape
    inverse = np.float32(1) / scale
    for row in range(rows):
        for column in range(features):
            scaled[row, column] = _bounded((last[row, column] - center[column]) * inverse[column], least, most)
