"""What a demonstration came to."""

from dataclasses import asdict, dataclass
from typing import Self

from rich.table import Table

from streamer.demo.scoreboard import Score
from streamer.demo.watcher import Watcher


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of the live part, unless said otherwise.

    Attributes:
        seconds_to_live: from the start of the command to the first live payment.
        live_seconds: length of the live part.
        judged: payments judged.
        events_per_second: payments judged a second.
        backlog_events_per_second: most payments a second while the worker learnt the history.
        latency_p50_ms: median of produced → judged, alerted and committed.
        latency_p99_ms: 99th percentile of the same.
        alerts: alerts raised.
        precision: share of alerts on fraud; None without alerts.
        recall: share of frauds alerted, a burst on one user counting once; None without frauds.
        frauds: frauds that were over.
        caught: frauds with at least one alert.
        by_kind: caught and all frauds of each kind.
        rejected: records that went to the dead letters.
        worker_exit: exit code of the worker.
    """

    seconds_to_live: float
    live_seconds: float
    judged: int
    events_per_second: float
    backlog_events_per_second: float
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    alerts: int
    precision: float | None
    recall: float | None
    frauds: int
    caught: int
    by_kind: dict[str, tuple[int, int]]
    rejected: int
    worker_exit: int

    @classmethod
    def of(
        cls,
        watcher: Watcher,
        score: Score,
        *,
        seconds_to_live: float,
        live_s: float,
        backlog_per_s: float,
        worker_exit: int,
    ) -> Self:
        """Gather the figures at the end of a run."""
        return cls(
            seconds_to_live=_rounded(seconds_to_live),
            live_seconds=_rounded(live_s),
            judged=watcher.judged,
            events_per_second=_rounded(watcher.judged / live_s),
            backlog_events_per_second=_rounded(backlog_per_s),
            latency_p50_ms=_maybe_rounded(watcher.latency_ms(0.5)),
            latency_p99_ms=_maybe_rounded(watcher.latency_ms(0.99)),
            alerts=score.alerts,
            precision=score.precision,
            recall=score.recall,
            frauds=score.episodes,
            caught=score.caught,
            by_kind=score.by_kind,
            rejected=round(watcher.now.total("streamer_rejected_total")),
            worker_exit=worker_exit,
        )

    def as_json(self) -> dict[str, object]:
        """Return what `--json` prints."""
        kinds = {kind: {"caught": caught, "frauds": frauds} for kind, (caught, frauds) in self.by_kind.items()}
        return {**asdict(self), "by_kind": kinds}

    def as_table(self) -> Table:
        """Return what people are shown."""
        table = Table(title="The live part", show_header=False, box=None)
        table.add_column(style="dim")
        table.add_column()
        table.add_row(
            "payments judged", f"{self.judged:,} in {self.live_seconds:g} s ({self.events_per_second:,.0f}/s)"
        )
        table.add_row("history learnt at", f"up to {self.backlog_events_per_second:,.0f} payments/s")
        table.add_row("latency", f"p50 {self.latency_p50_ms} ms, p99 {self.latency_p99_ms} ms")
        table.add_row("alerts", f"{self.alerts}, precision {_percent(self.precision)}")
        table.add_row("frauds", f"{self.frauds}, recall {_percent(self.recall)}")
        for kind, (caught, frauds) in self.by_kind.items():
            table.add_row(f"  {kind}", f"{caught} of {frauds} caught")
        table.add_row("first live payment", f"{self.seconds_to_live:g} s after the start")
        return table


def _rounded(value: float) -> float:
    return round(value, 1)


def _maybe_rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"
