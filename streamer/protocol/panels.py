"""Curves of a comparison, one panel a family, so that no panel holds more lines than eyes can follow."""

import math
from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from streamer.cards.painting import PALETTE, set_precision_recall, set_recall_by_rate
from streamer.curves import Curves
from streamer.protocol.scene import OTHERS, Model, Scene

_PANEL_INCHES = (3.5, 3.0)
_COLUMNS = 3
_YARDSTICK = "#999999"
_RECALLS = np.linspace(0, 1, 101)

Values = NDArray[np.float64]


def precision_recall(scene: Scene) -> Figure:
    """Draw precision against recall: the mean over seeds, and the least to the most."""

    def prepare(axes: Axes) -> None:
        set_precision_recall(axes, scene.base, about="fraud")

    return _panels(scene, prepare, _RECALLS, _precisions)


def recall_by_alert_rate(scene: Scene) -> Figure:
    """Draw the share of frauds that is found against the share of payments that is looked at."""
    rates = np.asarray(scene.models[0].entries[0].curves.alert_rate)
    return _panels(scene, set_recall_by_rate, rates, lambda curves: np.asarray(curves.recall_at_rate))


def _precisions(curves: Curves) -> Values:
    """Return the precision of the first threshold that reaches each of the recalls."""
    place = np.searchsorted(curves.recall, _RECALLS - 1e-9).clip(max=len(curves.recall) - 1)
    precision: Values = np.asarray(curves.precision, np.float64)[place]
    return precision


def _panels(scene: Scene, prepare: Callable[[Axes], None], across: Values, trace: Callable[[Curves], Values]) -> Figure:
    families = scene.families
    columns = min(_COLUMNS, len(families))
    rows = math.ceil(len(families) / columns)
    figure = Figure(
        figsize=(_PANEL_INCHES[0] * columns, _PANEL_INCHES[1] * rows), layout=ConstrainedLayoutEngine(wspace=0.06)
    )
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axes in grid.flat[len(families) :]:
        axes.set_visible(False)
    for place, (family, models) in enumerate(families.items()):
        axes = grid.flat[place]
        if family != OTHERS and scene.yardstick is not None:
            _line(axes, scene.yardstick, across, trace, _YARDSTICK)
        for number, model in enumerate(models):
            _line(axes, model, across, trace, PALETTE[number % len(PALETTE)])
        prepare(axes)
        axes.set_title(family, loc="left", fontweight="bold")
        axes.legend(fontsize="small", frameon=True, framealpha=0.9, edgecolor="none")
        lowest, first = place + columns >= len(families), place % columns == 0
        axes.tick_params(labelbottom=lowest, labelleft=first)
        axes.set(xlabel=axes.get_xlabel() if lowest else "", ylabel=axes.get_ylabel() if first else "")
    return figure


def _line(axes: Axes, model: Model, across: Values, trace: Callable[[Curves], Values], colour: str) -> None:
    lines = np.array([trace(entry.curves) for entry in model.entries])
    axes.plot(across, lines.mean(0), color=colour, label=model.variant, linewidth=1.2)
    if len(lines) > 1:
        axes.fill_between(across, lines.min(0), lines.max(0), color=colour, alpha=0.15, linewidth=0)
