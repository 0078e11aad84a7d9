"""What the demonstration shows while it runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from streamer.demo.scoreboard import Score

_COLOURS = {"elevated": "yellow", "high": "dark_orange", "critical": "bold red"}


@dataclass(frozen=True, slots=True)
class Line:
    """One alert on the screen.

    Attributes:
        user: whose payment.
        amount: decimal text with currency.
        risk: 0 to 1000.
        level: name of the level.
        reasons: plain sentences, strongest first.
        fraud: what the simulator knows.
    """

    user: str
    amount: str
    risk: int
    level: str
    reasons: tuple[str, ...]
    fraud: bool


@dataclass(frozen=True, slots=True)
class View:
    """Everything on the screen.

    Attributes:
        phase: what is going on.
        events_per_s: events judged in the last seconds.
        lag: records not yet read; None while unknown.
        p50_ms: median of produced → alert flushed, over all alerts under test; None before the first.
        p99_ms: 99th percentile of the same.
        judged: payments under test that were judged.
        score: alerts against the truth.
        alerts: the newest alerts, newest last.
        metrics_url: where Prometheus would look.
        watch: the command that follows the alert topic.
    """

    phase: str
    events_per_s: float
    lag: int | None
    p50_ms: float | None
    p99_ms: float | None
    judged: int
    score: Score
    alerts: Sequence[Line]
    metrics_url: str
    watch: str


def render(view: View) -> RenderableType:
    """Draw the view."""
    return Group(_numbers(view), _alerts(view), _places(view))


def _numbers(view: View) -> Panel:
    grid = Table.grid(expand=True, padding=(0, 2))
    for _ in range(4):
        grid.add_column(ratio=1)
    grid.add_row(
        _number("events/s", f"{view.events_per_s:,.0f}"),
        _number("lag", "–" if view.lag is None else f"{view.lag:,}"),
        _number("latency p50", _milliseconds(view.p50_ms)),
        _number("p99", _milliseconds(view.p99_ms)),
    )
    grid.add_row(
        _number("judged", f"{view.judged:,}"),
        _number("alerts", str(view.score.alerts)),
        _number("precision", _share(view.score.right, view.score.alerts)),
        _number("recall", _share(view.score.caught, view.score.episodes)),
    )
    return Panel(grid, title=f"Fraud Streamer: {view.phase}", border_style="cyan")


def _number(name: str, value: str) -> Text:
    return Text.assemble((f"{name} ", "dim"), (value, "bold"))


def _milliseconds(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f} ms"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%} of {whole}" if whole else "–"


def _alerts(view: View) -> Table:
    table = Table(expand=True, box=None, header_style="dim")
    table.add_column("user", no_wrap=True)
    table.add_column("amount", justify="right", no_wrap=True)
    table.add_column("risk", justify="right")
    table.add_column("truth", no_wrap=True)
    table.add_column("reasons", ratio=1)
    for line in view.alerts:
        table.add_row(
            line.user,
            line.amount,
            Text(str(line.risk), style=_COLOURS.get(line.level, "")),
            Text("fraud", style="red") if line.fraud else Text("honest", style="green"),
            Text(" ".join(line.reasons[:2]), overflow="ellipsis", no_wrap=True),
        )
    return table


def _places(view: View) -> Text:
    places = (("metrics  ", "dim"), view.metrics_url, ("\nalerts   ", "dim"), view.watch)
    return Text.assemble(*places, ("\nCtrl-C drains and stops.", "dim"))
