"""The moment until which something may take."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on a clock that never jumps.

    Attributes:
        at: the moment, in seconds of that clock.
        monotonic: the clock.
    """

    at: float
    monotonic: Callable[[], float]

    @staticmethod
    def after(seconds: float, monotonic: Callable[[], float]) -> "Deadline":
        """Return the one that comes in so many seconds."""
        return Deadline(monotonic() + seconds, monotonic)

    @property
    def left_s(self) -> float:
        """Seconds until then; 0 when it is over."""
        return max(0.0, self.at - self.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether the moment has come."""
        return self.monotonic() >= self.at
