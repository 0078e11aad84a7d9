"""Transaction ids seen lately: an id that comes again is a repeat.

The ids stand in generations. The newest takes new ones in; when it is full another begins, and
the oldest is forgotten whole. To forget ids one by one, in the order of their last use, costs
three times as much an event.
"""

from collections.abc import Iterable, Sequence

_FULL = 2
"""How many full generations are kept beside the newest."""


class SeenIds:
    """Remembers the last `capacity` ids or more, at most `most`."""

    def __init__(self, capacity: int) -> None:
        """Start empty.

        Args:
            capacity: at least 1.
        """
        self._size = -(-capacity // _FULL)
        # Dictionaries rather than sets, which have an order of their own in each process.
        self._generations: list[dict[str, None]] = [{}]

    def __len__(self) -> int:
        """Count the ids held."""
        return sum(map(len, self._generations))

    @property
    def most(self) -> int:
        """How many ids are held at most."""
        return self._size * (_FULL + 1)

    def keep_new(self, ids: Sequence[str]) -> Sequence[int]:
        """Return positions of the ids not seen before, in order; all are seen afterwards.

        N ids at once give what N calls with one id give.
        """
        distinct = dict.fromkeys(ids)
        newest = self._generations[-1]
        if len(newest) + len(ids) <= self._size and len(distinct) == len(ids) and self._are_new(distinct):
            newest.update(distinct)
            return range(len(ids))
        return [position for position, name in enumerate(ids) if self._is_new(name)]

    def export(self) -> list[list[str]]:
        """Copy the generations, the oldest first; quick, as records wait meanwhile."""
        return [list(generation) for generation in self._generations]

    def restore(self, held: Sequence[Sequence[str]]) -> None:
        """Take in what `export` gave.

        Raises:
            ValueError: there are more generations or ids than are kept, or an id stands twice.
        """
        generations = [dict.fromkeys(names) for names in held]
        count = sum(map(len, held))
        if not 1 <= len(held) <= _FULL + 1 or count > self.most:
            raise ValueError(f"{count:,} ids in {len(held)} generations are held; {self.most:,} in {_FULL + 1} may be")
        if len(dict.fromkeys(name for names in held for name in names)) < count:
            raise ValueError("a transaction id stands twice")
        self._generations = generations

    def _are_new(self, names: Iterable[str]) -> bool:
        return all(generation.keys().isdisjoint(names) for generation in self._generations)

    def _is_new(self, name: str) -> bool:
        if any(name in generation for generation in self._generations):
            return False
        if len(self._generations[-1]) >= self._size:
            self._generations = [*self._generations[-_FULL:], {}]
        self._generations[-1][name] = None
        return True
