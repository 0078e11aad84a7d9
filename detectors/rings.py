"""Steps of windows that lie in rings, one a user, until they are asked for.

A user's ring holds the newest T steps; an event puts its own in place of the oldest. So the window
of an event is its user's ring as of then. Later events of the same batch overwrite steps of it; what
each of them overwrote is kept beside the rings. Whoever needs the windows reads them from there: to
copy each of them for its own sake would cost an event more, the longer windows are.
"""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled, compiled_cached

Floats = NDArray[np.float32]


# A tuple, as compiled functions take no other object that holds arrays.
class Rings(NamedTuple):
    """Where the steps of B windows lie.

    Attributes:
        rings: (R, T · S) float32.
        rows: (B,) int32, the ring of each window.
        counts: (B,) int64, how many steps had been put into that ring by then.
        later: (B,) int32, the next event that put a step into the same ring; -1 where there is none.
        displaced: (B, S) float32, the step in whose place each event put its own.
    """

    rings: Floats
    rows: NDArray[np.int32]
    counts: NDArray[np.int64]
    later: NDArray[np.int32]
    displaced: Floats

    @property
    def features(self) -> int:
        """S."""
        return int(self.displaced.shape[1])

    @property
    def window(self) -> int:
        """T."""
        return int(self.rings.shape[1]) // self.features

    @classmethod
    def of(cls, steps: Floats) -> Self:
        """Take (B, T, S) steps, oldest first, for rings in which nothing was put since."""
        count, window, features = steps.shape
        return cls(
            np.ascontiguousarray(steps).reshape(count, window * features),
            np.arange(count, dtype=np.int32),
            np.full(count, window, np.int64),
            np.full(count, -1, np.int32),
            np.zeros((0, features), np.float32),
        )


class Steps:
    """The steps of B windows, in rings at first.

    Whoever changes the rings has them settled before, if anybody still holds them.
    """

    def __init__(self, rings: Rings) -> None:
        """Leave the steps where they are."""
        self._rings = rings
        self._array: Floats | None = None

    def __len__(self) -> int:
        """Count the windows."""
        return len(self._rings.rows)

    @property
    def rings(self) -> tuple[Rings, ...]:
        """Where the steps lie."""
        return (self._rings,)

    def settle(self) -> Floats:
        """Copy the steps, before the rings change: (B, T, S) float32, oldest first; zeros before the first event."""
        if self._array is None:
            self._array = self._copy(np.arange(len(self)))
            self._rings = Rings.of(self._array)
        return self._array

    def rows(self, index: NDArray[np.intp] | slice) -> Floats:
        """Copy the steps of some windows, in the order of `index`."""
        if self._array is not None:
            return self._array[index]
        return self._copy(np.arange(len(self))[index])

    def _copy(self, index: NDArray[np.intp]) -> Floats:
        rings = self._rings
        found = np.empty((len(index), rings.window * rings.features), np.float32)
        _gather(index, rings, np.zeros(rings.window, np.bool_), found)
        return found.reshape(len(index), rings.window, rings.features)


class JoinedSteps:
    """The steps of several batches, one after the other."""

    def __init__(self, parts: Sequence[Steps]) -> None:
        """Join at least one part."""
        self._parts = tuple(parts)
        self._array: Floats | None = None

    @property
    def rings(self) -> tuple[Rings, ...]:
        """Where the steps lie, part by part."""
        return tuple(rings for part in self._parts for rings in part.rings)

    def settle(self) -> Floats:
        """Copy the steps: see `Steps.settle`."""
        if self._array is None:
            self._array = np.concatenate([part.settle() for part in self._parts])
        return self._array

    def rows(self, index: NDArray[np.intp] | slice) -> Floats:
        """Copy the steps of some windows, in the order of `index`."""
        ends = np.cumsum([len(part) for part in self._parts])
        chosen = np.arange(ends[-1])[index]
        of_part = np.searchsorted(ends, chosen, side="right")
        rings = self._parts[0].rings[0]
        found = np.empty((len(chosen), rings.window, rings.features), np.float32)
        for number, part in enumerate(self._parts):
            mine = of_part == number
            found[mine] = part.rows(chosen[mine] - (ends[number] - len(part)))
        return found


@compiled
def read_window(index: int, rings: Rings, seen: NDArray[np.bool_], steps: Floats) -> None:
    """Write the steps of one window into (T · S,) `steps`; `seen` is (T,) and may hold anything."""
    window, features = len(seen), rings.displaced.shape[1]
    count = rings.counts[index]
    _unroll(rings.rings[rings.rows[index]], count, window, features, steps)
    event = rings.later[index]
    if event < 0:
        return
    filled = min(count, window)
    oldest = count % window if filled == window else 0
    for place in range(window):
        seen[place] = False
    left = filled
    # Of several events that put a step into one place of the ring, the first one displaced what was there.
    while event >= 0 and left > 0:
        slot = (rings.counts[event] - 1) % window
        if slot < filled and not seen[slot]:
            seen[slot] = True
            left -= 1
            place = (window - filled + (slot - oldest) % window) * features
            for column in range(features):
                steps[place + column] = rings.displaced[event, column]
        event = rings.later[event]


@compiled
def _unroll(ring: Floats, count: int, window: int, features: int, steps: Floats) -> None:
    """Copy a ring of (T · S,) into (T · S,) steps, oldest first, padded with zeros in front."""
    filled = min(count, window) * features
    empty = len(steps) - filled
    oldest = count % window * features if empty == 0 else 0
    before, after = ring[oldest:filled], ring[:oldest]
    # Whole stretches that begin at 0: such loops are copied as blocks.
    for place in range(empty):
        steps[place] = 0.0
    older, newer = steps[empty:], steps[empty + len(before) :]
    for place in range(len(before)):
        older[place] = before[place]
    for place in range(len(after)):
        newer[place] = after[place]


@compiled_cached
def _gather(index: NDArray[np.intp], rings: Rings, seen: NDArray[np.bool_], found: Floats) -> None:
    for place in range(len(index)):
        read_window(index[place], rings, seen, found[place])
