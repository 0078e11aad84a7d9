"""Time as an argument: logic asks a clock it was given."""

import time
from typing import Protocol


class Clock(Protocol):
    """Where a part of the program gets the time from."""

    def wall(self) -> float:
        """Return seconds since the epoch; may jump."""
        ...

    def monotonic(self) -> float:
        """Return seconds since an arbitrary moment; never goes back."""
        ...


class SystemClock:
    """The machine's clocks."""

    def wall(self) -> float:
        """See `Clock.wall`."""
        return time.time()

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return time.monotonic()


class ManualClock:
    """A clock that stands still until told to move."""

    def __init__(self, now: float = 0.0) -> None:
        """Stand at `now` seconds on both scales."""
        self._now = now

    def advance(self, seconds: float) -> None:
        """Move on."""
        self._now += seconds

    def wall(self) -> float:
        """See `Clock.wall`."""
        return self._now

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return self._now
