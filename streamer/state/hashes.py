"""Names to numbers that are alike on every machine, for state that need not tell the name again."""

from collections.abc import Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

_MOST = 10_000


def hash_of(name: str | None) -> int:
    """Hash a name to 1 .. 2^32 - 1; 0 stands for the unknown."""
    return 0 if name is None else crc32(name.encode()) or 1


class Hashes(dict[str | None, int]):
    """The hashes of names met lately: most names come again, and to look one up is faster."""

    def __missing__(self, name: str | None) -> int:
        """Hash a name and remember it."""
        if len(self) >= _MOST:
            self.clear()
        self[name] = found = hash_of(name)
        return found

    def of(self, names: Sequence[str | None]) -> NDArray[np.uint32]:
        """Return `hash_of` each name."""
        return np.fromiter(map(self.__getitem__, names), np.uint32, len(names))
