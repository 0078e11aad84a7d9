"""Where the loop's time goes: every moment of it belongs to one stage."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

STAGES = ("poll", "idle", "decode", "state", "score", "alert", "deliver", "snapshot", "restore", "rest")
"""`idle` is the part of `poll` in which the process did nothing; `rest` is the loop outside of all others."""


class StageTimes:
    """Seconds by stage; a stage within another takes its time from that one's.

    So the stages add up to the loop's own time. Stages are entered from the loop, or from a thread that
    the loop waits for, never from two at once; sums may be read by any thread.
    """

    def __init__(
        self,
        observe: Callable[[str, float], None],
        *,
        now: Callable[[], float] = time.perf_counter,
        worked: Callable[[], float] = time.process_time,
    ) -> None:
        """Begin at 0.

        Args:
            observe: told of each stage that ended, and its seconds.
            now: seconds on a scale that never goes back.
            worked: seconds that the whole process had a processor, all threads together.
        """
        self._observe = observe
        self._now = now
        self._worked = worked
        self._within: list[float] = []
        self._seconds = dict.fromkeys(STAGES, 0.0)
        self._records = 0

    @property
    def seconds(self) -> Mapping[str, float]:
        """Seconds by stage, of stages that ended."""
        return dict(self._seconds)

    @property
    def records(self) -> int:
        """How many records were taken in."""
        return self._records

    def took_in(self, records: int) -> None:
        """Count records."""
        self._records += records

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage.

        Args:
            name: one of `STAGES`; that part of `poll` in which nothing worked is told as `idle`.
        """
        self._within.append(0.0)
        worked = self._worked() if name == "poll" else 0.0
        begin = self._now()
        try:
            yield
        finally:
            whole = self._now() - begin
            own = whole - self._within.pop()
            if self._within:
                self._within[-1] += whole
            if name == "poll":
                # Other threads work for this one: the client's own, and a transaction under way.
                idle = min(max(whole - (self._worked() - worked), 0.0), own)
                own -= idle
                self._note("idle", idle)
            self._note(name, own)

    def _note(self, name: str, seconds: float) -> None:
        self._seconds[name] += seconds
        self._observe(name, seconds)
