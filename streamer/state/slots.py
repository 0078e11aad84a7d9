"""Names to rows of state, bounded: the least recently used name gives up its row."""

from collections import OrderedDict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


class SlotIndex:
    """Gives each name a row number in `first` .. `first + capacity - 1`."""

    def __init__(self, capacity: int, *, first: int = 0) -> None:
        """Start empty."""
        self._capacity = capacity
        self._first = first
        self._slots: OrderedDict[str, int] = OrderedDict()
        self._names: list[str] = []
        self.evictions = 0

    def __len__(self) -> int:
        """Count the names held."""
        return len(self._slots)

    def assign(self, names: Iterable[str | None], count: int) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Return the row of each name, in order, and whether that row starts afresh there.

        None gets row 0, which is never fresh; use it only with `first` > 0.

        Args:
            names: one name an event.
            count: how many names there are.
        """
        rows = np.zeros(count, np.int32)
        fresh = np.zeros(count, np.bool_)
        slots = self._slots
        for position, name in enumerate(names):
            if name is None:
                continue
            slot = slots.get(name)
            if slot is None:
                fresh[position] = True
                slot = self._claim(name)
            else:
                slots.move_to_end(name)
            rows[position] = slot
        return rows, fresh

    def _claim(self, name: str) -> int:
        if len(self._slots) < self._capacity:
            slot = self._first + len(self._slots)
            self._names.append(name)
        else:
            _, slot = self._slots.popitem(last=False)
            self._names[slot - self._first] = name
            self.evictions += 1
        self._slots[name] = slot
        return slot

    def name(self, slot: int) -> str:
        """Return whose row it is now."""
        return self._names[slot - self._first]


class SeenIds:
    """Remembers the last `capacity` transaction ids."""

    def __init__(self, capacity: int) -> None:
        """Start empty."""
        self._capacity = capacity
        self._seen: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        """Count the ids held."""
        return len(self._seen)

    def keep_new(self, ids: Iterable[str]) -> list[int]:
        """Return positions of the ids not seen before, in order; all are seen afterwards."""
        seen = self._seen
        kept = []
        for position, transaction_id in enumerate(ids):
            if transaction_id in seen:
                seen.move_to_end(transaction_id)
                continue
            kept.append(position)
            seen[transaction_id] = None
            if len(seen) > self._capacity:
                seen.popitem(last=False)
        return kept
