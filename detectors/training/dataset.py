"""Which windows a model learns from, and in which order."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.api import Windows


@dataclass(frozen=True, slots=True)
class Parts:
    """Windows split by time.

    Attributes:
        fit: the older ones, to learn from.
        held_back: the newer ones, to stop and to calibrate by.
    """

    fit: Windows
    held_back: Windows


@dataclass(frozen=True, slots=True)
class Examples:
    """What a model learns from.

    Attributes:
        windows: N of them.
        fraud: (N,) bool, what is known of them; None where nothing is.
    """

    windows: Windows
    fraud: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        """Count the windows."""
        return len(self.windows)

    def rows(self, index: NDArray[np.intp] | slice) -> "Examples":
        """Select examples, in the order of `index`."""
        return Examples(self.windows.rows(index), None if self.fraud is None else self.fraud[index])


def checked(examples: Examples) -> Examples:
    """Take at most 8,192, evenly spread: more would cost time, not change which epoch is the best."""
    return examples.rows(spread(len(examples), 8_192))


def spread(count: int, most: int) -> NDArray[np.intp]:
    """Choose at most so many of `count` rows, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.intp))


def split_by_time(windows: Windows, held_back_share: float) -> Parts:
    """Hold the newest windows back.

    A random split would put windows that share events on both sides.

    Args:
        windows: N, oldest first; at least 2.
        held_back_share: above 0, below 1.

    Raises:
        ValueError: there are fewer than 2 windows.
    """
    if len(windows) < 2:
        raise ValueError(f"{len(windows)} windows cannot be split: give at least 2")
    fit = min(max(round(len(windows) * (1 - held_back_share)), 1), len(windows) - 1)
    return Parts(windows.rows(slice(None, fit)), windows.rows(slice(fit, None)))


def shuffled(count: int, batch_size: int, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    """Yield the rows of each batch of one epoch; the rest that fills no batch is left out.

    If all rows together do not fill one batch, they are the batch.
    """
    order = rng.permutation(count)
    for start in range(0, max(count - batch_size, 0) + 1, batch_size):
        yield order[start : start + batch_size]


def batches_an_epoch(count: int, batch_size: int) -> int:
    """Return how many batches `shuffled` yields."""
    return max(count // batch_size, 1)
