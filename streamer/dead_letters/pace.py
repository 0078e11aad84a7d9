"""A limit on how many records go out in a second."""

from collections.abc import Callable


class Pace:
    """Spreads batches so that time lost is never made up for by a burst."""

    def __init__(self, per_second: float, *, now: Callable[[], float], sleep: Callable[[float], object]) -> None:
        """Start with the first batch allowed at once.

        Args:
            per_second: records a second, above 0.
            now: seconds on a scale that never goes back.
            sleep: waits for a number of seconds; may return early, and then the wait is over.
        """
        self.per_second = per_second
        self._now = now
        self._sleep = sleep
        self._free_at = now()

    def take(self, count: int) -> None:
        """Wait until so many records may go out."""
        wait = self._free_at - self._now()
        if wait > 0:
            self._sleep(wait)
        self._free_at = max(self._free_at, self._now()) + count / self.per_second
