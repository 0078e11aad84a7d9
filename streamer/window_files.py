"""Windows in files, for histories that memory cannot hold.

The steps of a window are nearly all of its bytes; they alone go to files, and are mapped from
there when they are read. Lengths and last features stay in memory.
"""

import shutil
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from detectors.api import Floats, Windows

_ORDERED = "steps.npy"
_ROWS = 10_000
"""Windows put in order at a time."""


class WindowFiles:
    """Parts of windows in files, the oldest of which can be dropped, put in order at the end."""

    def __init__(self, folder: Path) -> None:
        """Take a folder of one's own; what is in it goes.

        Raises:
            OSError: it cannot be made.
        """
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self._folder = folder
        self._written = 0
        self._dropped = 0

    def keep(self, windows: Windows) -> Windows:
        """Write a part; return it with its steps mapped from the file."""
        path = self._part(self._written)
        np.save(path, windows.steps, allow_pickle=False)
        self._written += 1
        return Windows(_mapped(path), windows.length, windows.last)

    def drop_oldest(self) -> None:
        """Remove the file of the oldest part."""
        self._part(self._dropped).unlink()
        self._dropped += 1

    def ordered(self, parts: list[Windows], order: NDArray[np.intp]) -> Windows:
        """Put the windows of all kept parts, one after the other, in an order; the files of the parts go."""
        begins = np.cumsum([0, *(len(part) for part in parts)])
        path = self._folder / _ORDERED
        steps = open_memmap(path, mode="w+", dtype=np.float32, shape=(len(order), *parts[0].steps.shape[1:]))
        for start in range(0, len(order), _ROWS):
            rows = order[start : start + _ROWS]
            owner = np.searchsorted(begins, rows, side="right") - 1
            for number in np.unique(owner):
                mine = owner == number
                steps[start : start + len(rows)][mine] = parts[number].steps[rows[mine] - begins[number]]
        steps.flush()
        del steps
        for number in range(self._dropped, self._written):
            self._part(number).unlink()
        length = np.concatenate([part.length for part in parts])[order]
        return Windows(_mapped(path), length, np.concatenate([part.last for part in parts])[order])

    def _part(self, number: int) -> Path:
        return self._folder / f"part-{number:06d}.npy"


def _mapped(path: Path) -> Floats:
    steps: Floats = np.load(path, mmap_mode="r", allow_pickle=False)
    return steps
