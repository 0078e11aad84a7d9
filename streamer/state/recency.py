"""Which rows were used when: a list from the least to the most recently used, kept in two arrays.

Arrays rather than an ordered dictionary: a batch is one compiled call, and so is listing the
order, which a snapshot does while records wait.
"""

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled_cached

Links = NDArray[np.int32]


class Recency:
    """The order in which rows 0 .. capacity - 1 were last used.

    A ring of rows, each linked to its neighbours; one more place, the last, stands between the
    newest and the oldest. A row that was never used is linked to itself.
    """

    def __init__(self, capacity: int) -> None:
        """Start with no row used."""
        self._next = np.arange(capacity + 1, dtype=np.int32)
        self._previous = self._next.copy()
        self.order(0)  # compiled now, not while records wait for a snapshot to begin

    def use(self, rows: Links) -> None:
        """Make rows the newest, in order; a row may be named twice."""
        _use(rows, self._next, self._previous)

    def order(self, count: int) -> Links:
        """Return the `count` least recently used of the rows in use, the oldest first."""
        return _walk(self._next, np.empty(count, np.int32))


@compiled_cached
def _use(rows: Links, after: Links, before: Links) -> None:
    end = len(after) - 1
    for position in range(len(rows)):
        row = rows[position]
        after[before[row]] = after[row]
        before[after[row]] = before[row]
        newest = before[end]
        after[newest] = row
        before[row] = newest
        after[row] = end
        before[end] = row


@compiled_cached
def _walk(after: Links, rows: Links) -> Links:
    row = after[-1]
    for position in range(len(rows)):
        rows[position] = row
        row = after[row]
    return rows
