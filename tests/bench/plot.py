"""The figures as a picture: rates beside the bare client, the worker's turn, and latencies."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.bench.machine import Facts
from tests.bench.timing import EVENTS_PER_S, Measurement

_RATES = ("backlog", "peers", "scale-out")
_TURN = "the worker's turn"
_LATENCY = "latency"
_ROW_INCHES, _HEAD_INCHES, _WIDTH_INCHES = 0.32, 0.9, 9.0


def draw(results: Sequence[Measurement], bare: Measurement, facts: Facts, stem: Path) -> list[Path]:
    """Write the plot as PNG and as SVG; medians as bars, least to most as lines.

    Args:
        results: all figures.
        bare: what rates are compared with.
        facts: about the machine, for the title.
        stem: path without suffix.

    Returns:
        The files.
    """
    panels = [
        ("events/s ÷ bare kafka-python poll", [_scaled(each, bare.median) for each in results if _is_rate(each)]),
        ("µs an event in the worker's turn", [each for each in results if each.area == _TURN]),
        ("ms from produced", [each for each in results if each.area == _LATENCY and each.unit == "ms"]),
    ]
    panels = [(title, rows) for title, rows in panels if rows]
    heights = [_HEAD_INCHES + _ROW_INCHES * len(rows) for _, rows in panels]
    figure = Figure(figsize=(_WIDTH_INCHES, sum(heights)), layout="constrained")
    axes = figure.subplots(len(panels), squeeze=False, height_ratios=heights)
    for place, (title, rows) in zip(axes[:, 0], panels, strict=True):
        _bars(place, title, rows)
    figure.suptitle(f"{facts['cpu']}, {facts['cores']} cores, load before {facts['load_average_before']}", fontsize=9)
    stem.parent.mkdir(parents=True, exist_ok=True)
    paths = [stem.with_suffix(".png"), stem.with_suffix(".svg")]
    with mpl.rc_context({"svg.hashsalt": "bench"}):
        for path in paths:
            figure.savefig(path, dpi=120)
    return paths


def _is_rate(measured: Measurement) -> bool:
    return measured.area in _RATES and measured.unit == EVENTS_PER_S


def _scaled(measured: Measurement, unit: float) -> Measurement:
    return Measurement(measured.area, measured.what, "times", tuple(value / unit for value in measured.values))


def _bars(axes: Axes, title: str, rows: Sequence[Measurement]) -> None:
    places = range(len(rows))
    spread = [[each.median - each.least for each in rows], [each.most - each.median for each in rows]]
    bars = axes.barh(places, [each.median for each in rows], xerr=spread, color="#4c78a8", ecolor="#333333", capsize=2)
    axes.bar_label(bars, [f"{each.median:.3g}" for each in rows], padding=4, fontsize=8)
    axes.set_yticks(places, [each.what for each in rows], fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_title(title, fontsize=9, loc="left")
