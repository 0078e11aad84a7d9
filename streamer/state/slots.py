"""Names to rows of state, bounded: the least recently used name gives up its row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, repeat

import numpy as np
from numpy.typing import NDArray

from streamer.state.recency import Recency

_UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Names:
    """The names of an index as of one moment.

    Attributes:
        names: by row, counted from 0.
        order: those rows, the least recently used first.
    """

    names: list[str]
    order: NDArray[np.int32]


class SlotIndex:
    """Gives each name a row number in `first` .. `first + capacity - 1`."""

    def __init__(self, capacity: int, *, first: int = 0) -> None:
        """Start empty."""
        self._capacity = capacity
        self._first = first
        self._slots: dict[str | None, int] = {}  # of names only; None may be asked for
        self._names: list[str] = []
        self._recency = Recency(capacity)
        self._replaced: dict[int, list[tuple[int, str]]] = {}
        self.evictions = 0

    def __len__(self) -> int:
        """Count the names held."""
        return len(self._names)

    def assign(self, names: Sequence[str | None]) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Return the row of each name, in order, and whether that row starts afresh there.

        None gets row 0, which is never fresh; use it only with `first` > 0. N names at once give
        what N calls with one name give.
        """
        self._replaced = {}
        rows = np.fromiter(map(self._slots.get, names, repeat(_UNKNOWN)), np.int32, len(names))
        unknown = np.flatnonzero(rows == _UNKNOWN).tolist()
        firsts: dict[str, int] = {}
        for position in unknown:
            name = names[position]
            if name is not None:
                firsts.setdefault(name, position)
        if len(firsts) > self._capacity:
            return self._assign_one_by_one(names)
        victims = self._recency.order(max(0, len(self) + len(firsts) - self._capacity))
        if len(victims) and np.isin(victims + self._first, rows).any():
            return self._assign_one_by_one(names)
        self._settle(firsts, victims)
        for position in unknown:
            rows[position] = self._slots.get(names[position], 0)
        fresh = np.zeros(len(names), np.bool_)
        fresh[list(firsts.values())] = True
        self._recency.use(rows[rows >= self._first] - np.int32(self._first))
        return rows, fresh

    def _settle(self, firsts: Mapping[str, int], victims: NDArray[np.int32]) -> None:
        """Give rows to new names: the free ones, then those of `victims`, which nobody uses now."""
        room = len(firsts) - len(victims)
        newcomers = iter(firsts.items())
        for name, _ in islice(newcomers, room):
            self._append(name)
        for row, (name, position) in zip(victims.tolist(), newcomers, strict=True):
            slot = self._first + row
            self._replaced[slot] = [(position, self._replace(slot, name))]

    def _assign_one_by_one(self, names: Sequence[str | None]) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """As `assign`, also where a name of the batch is among the oldest, or not all fit at once."""
        rows = np.zeros(len(names), np.int32)
        fresh = np.zeros(len(names), np.bool_)
        slots = self._slots
        used = _Used()
        oldest = self._oldest(len(names), used)
        for position, name in enumerate(names):
            if name is None:
                continue
            slot = slots.get(name)
            if slot is None:
                fresh[position] = True
                if len(self._names) < self._capacity:
                    slot = self._append(name)
                else:
                    slot = next(oldest)
                    self._replaced.setdefault(slot, []).append((position, self._replace(slot, name)))
            used.add(slot)
            rows[position] = slot
        self._take_in(used)
        return rows, fresh

    def name(self, slot: int, position: int) -> str:
        """Return whose row it was when the event at a position of the last batch had been taken in."""
        later = (name for when, name in self._replaced.get(slot, ()) if when > position)
        return next(later, self._names[slot - self._first])

    def export(self) -> Names:
        """Copy the names; quick, as records wait meanwhile."""
        return Names(self._names.copy(), self._recency.order(len(self)))

    def restore(self, held: Names) -> None:
        """Take names into an empty index.

        Raises:
            ValueError: there are more names than fit, a name stands twice, or the order is none.
        """
        count = len(held.names)
        if count > self._capacity:
            raise ValueError(f"{count:,} names are held, {self._capacity:,} are allowed")
        slots: dict[str | None, int] = {name: self._first + row for row, name in enumerate(held.names)}
        if len(slots) < count or not np.array_equal(np.sort(held.order), np.arange(count)):
            raise ValueError("a name or a row stands twice")
        self._slots, self._names = slots, held.names
        self._recency.use(held.order)

    def _append(self, name: str) -> int:
        slot = self._slots[name] = self._first + len(self._names)
        self._names.append(name)
        return slot

    def _replace(self, slot: int, name: str) -> str:
        """Give a row to another name, and return the one that it had."""
        row = slot - self._first
        old = self._names[row]
        del self._slots[old]
        self._names[row] = name
        self._slots[name] = slot
        self.evictions += 1
        return old

    def _oldest(self, most: int, used: "_Used") -> Iterator[int]:
        """Yield slots, the least recently used first, as of the moment when each is asked for.

        `used` is taken in at first and when none of the oldest is left: once an event would cost
        more than all else.
        """
        while True:
            self._take_in(used)
            for row in self._recency.order(min(most, len(self._names))).tolist():
                slot = self._first + row
                if slot not in used.slots:
                    yield slot

    def _take_in(self, used: "_Used") -> None:
        self._recency.use(np.array(used.order, np.int32) - np.int32(self._first))
        used.clear()


class _Used:
    """Slots used that the order of the index does not know of yet."""

    def __init__(self) -> None:
        self.order: list[int] = []
        self.slots: set[int] = set()

    def add(self, slot: int) -> None:
        self.order.append(slot)
        self.slots.add(slot)

    def clear(self) -> None:
        self.order.clear()
        self.slots.clear()
