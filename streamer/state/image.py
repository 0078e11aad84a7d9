"""A partition's state as of one moment, copied while the state goes on changing.

A quarter of a gigabyte cannot be copied between two records without anybody noticing. So what is
small is copied at once, and the rows of users a slice at a time: before a batch changes rows that
no slice has reached yet, these rows are put aside.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamer.state.slots import Names
from streamer.state.types import Structured

Rows = NDArray[np.uint8]
"""(N, bytes of a row): rows without their meaning."""


@dataclass(frozen=True, slots=True)
class Head:
    """What an image holds from its first moment on.

    Attributes:
        users: U users.
        merchants: M merchants; their rows are 1 .. M.
        ids: generations of transaction ids seen, see `SeenIds.export`.
        shared: (1,) row of `layout.SHARED`.
        merchant_rows: (M + 1,) rows of `layout.MERCHANT`; row 0 is the unknown merchant's.
    """

    users: Names
    merchants: Names
    ids: list[list[str]]
    shared: Structured
    merchant_rows: Structured


class Image:
    """One moment of a `PartitionState`; made by `PartitionState.begin_image`.

    Attributes:
        head: everything but the rows of users.
    """

    def __init__(self, head: Head, user_rows: Structured, rings: NDArray[np.float32]) -> None:
        """Begin; the arrays are those that go on changing, row for row the users'."""
        self.head = head
        count = len(head.users.names)
        self._tables = tuple(_Table(as_bytes(array), count) for array in (user_rows, rings))

    @property
    def is_open(self) -> bool:
        """Whether rows are missing, so that changes must be told."""
        return any(table.is_open for table in self._tables)

    def preserve(self, users: NDArray[np.int32]) -> None:
        """Put rows aside; to be called before they change."""
        rows = np.unique(users)
        for table in self._tables:
            table.preserve(rows)

    def slices(self, most_bytes: int) -> Iterator[Rows]:
        """Copy and yield slices: first all rows of `layout.USER`, then all rings.

        The state may change between two slices; a slice holds rows of one kind.

        Args:
            most_bytes: of a slice; one row at least.
        """
        for table in self._tables:
            while table.is_open:
                yield table.next_rows(most_bytes)

    def abandon(self) -> None:
        """Give up; the state need not care any more."""
        for table in self._tables:
            table.close()


class _Table:
    """The first `count` rows of an array as they were at first."""

    def __init__(self, rows: Rows, count: int) -> None:
        self._rows = rows
        self._count = count
        self._passed = 0
        self._kept = np.zeros(count, np.bool_)
        self._aside: list[tuple[NDArray[np.int32], Rows]] = []

    @property
    def is_open(self) -> bool:
        return self._passed < self._count

    def preserve(self, rows: NDArray[np.int32]) -> None:
        """Put aside what no slice reached and no earlier batch changed; `rows` ascend."""
        first, end = np.searchsorted(rows, (self._passed, self._count))
        ahead = rows[first:end]
        ahead = ahead[~self._kept[ahead]]
        if len(ahead):
            self._kept[ahead] = True
            self._aside.append((ahead, self._rows[ahead]))

    def next_rows(self, most_bytes: int) -> Rows:
        start = self._passed
        end = min(start + max(most_bytes // self._rows.shape[1], 1), self._count)
        copied = self._rows[start:end].copy()
        for rows, values in self._aside:
            low, high = np.searchsorted(rows, (start, end))
            copied[rows[low:high] - start] = values[low:high]
        self._passed = end
        if not self.is_open:
            self._aside = []
        return copied

    def close(self) -> None:
        self._passed = self._count
        self._aside = []


def as_bytes(rows: NDArray[np.generic]) -> Rows:
    """View an array as bytes: NumPy copies fields, and not what is in the gaps between them."""
    return rows.view(np.uint8).reshape(len(rows), -1)


def copy_rows(rows: Structured) -> Structured:
    """Copy rows, gaps and all, so that equal states make equal snapshots."""
    copied: Structured = as_bytes(rows).copy().view(rows.dtype).reshape(len(rows))
    return copied
