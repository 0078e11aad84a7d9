"""Where a running worker spends its time: a log line every few seconds, and a table at its end."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from rich.table import Table

from streamer.metrics.stages import STAGES, StageTimes

log = structlog.get_logger()

EVERY_S = 10.0
_ENDS_WITHIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Spent:
    """What a stretch of time went into.

    Attributes:
        seconds: by stage.
        records: how many were taken in meanwhile.
    """

    seconds: Mapping[str, float]
    records: int

    @property
    def total(self) -> float:
        """Seconds of all stages: the loop's time."""
        return sum(self.seconds.values())

    def share(self, stage: str) -> float:
        """Return a stage's part of the whole, 0 to 1."""
        return self.seconds[stage] / self.total if self.total > 0 else 0.0

    def us_per_record(self, stage: str) -> float:
        """Return a stage's µs for each record; 0 where there was none."""
        return self.seconds[stage] / self.records * 1e6 if self.records else 0.0

    def since(self, earlier: "Spent") -> "Spent":
        """Return what was spent after an earlier look at the same times."""
        seconds = {stage: spent - earlier.seconds[stage] for stage, spent in self.seconds.items()}
        return Spent(seconds, self.records - earlier.records)


class Profile:
    """Looks at the stages now and then."""

    def __init__(self, times: StageTimes) -> None:
        """Begin to look; what was spent before does not count."""
        self._times = times
        self._begin = self._last = self._look()

    def lap(self) -> Spent:
        """Return what was spent since the last lap."""
        now = self._look()
        spent = now.since(self._last)
        self._last = now
        return spent

    def whole(self) -> Spent:
        """Return what was spent since the beginning."""
        return self._look().since(self._begin)

    def _look(self) -> Spent:
        return Spent(self._times.seconds, self._times.records)


@contextmanager
def profiled(times: StageTimes, show: Callable[[Table], None], *, every_s: float = EVERY_S) -> Iterator[None]:
    """Log the shares of stages while the block runs, and show the whole at its end.

    It looks from a thread of its own, so the loop pays nothing and one that hangs is seen.

    Args:
        times: what is looked at.
        show: takes the table.
        every_s: time between two lines.
    """
    profile, ended = Profile(times), threading.Event()

    def look() -> None:
        while not ended.wait(every_s):
            note(profile.lap())

    thread = threading.Thread(target=look, name="profile", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(_ENDS_WITHIN_S)
        show(table(profile.whole()))


def note(spent: Spent) -> None:
    """Log one line: the share of each stage, 0 to 1."""
    rate = round(spent.records / spent.total) if spent.total > 0 else 0
    shares = {stage: round(spent.share(stage), 3) for stage in STAGES}
    log.info("profile", seconds=round(spent.total, 1), records=spent.records, records_per_s=rate, **shares)


def table(spent: Spent) -> Table:
    """Return seconds, share and µs for each record by stage, the longest first."""
    rows = Table(title=f"Where {spent.total:.1f} s went, {spent.records:,} records taken in")
    rows.add_column("stage")
    for column in ("seconds", "share", "µs/record"):
        rows.add_column(column, justify="right")
    for stage in sorted(STAGES, key=lambda stage: -spent.seconds[stage]):
        rows.add_row(
            stage, f"{spent.seconds[stage]:.2f}", f"{spent.share(stage):.1%}", f"{spent.us_per_record(stage):.2f}"
        )
    return rows
