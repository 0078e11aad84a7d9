"""The comparison as pictures: who is best, at which threshold, and at which speed."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from streamer.cards.painting import FORMS, render
from streamer.protocol.contest import Entry
from streamer.protocol.panels import precision_recall, recall_by_alert_rate
from streamer.protocol.scene import OTHERS, Model, Scene, average_precision

_ROW_INCHES = 0.22
_MARKERS = "osD^vP*X"
_GRID, _NEUTRAL = "#dddddd", "#666666"


def draw(scene: Scene) -> dict[str, bytes]:
    """Return the pictures as files by name."""
    pictures: Mapping[str, Callable[[Scene], Figure]] = {
        "models": _models,
        "precision_recall": precision_recall,
        "recall_by_alert_rate": recall_by_alert_rate,
        "quality_and_speed": _quality_and_speed,
    }
    return render({name: partial(picture, scene) for name, picture in pictures.items()}, FORMS)


def _models(scene: Scene) -> Figure:
    """Draw a row a model, the best first."""
    models = sorted(scene.models, key=lambda model: model.precision)
    columns: tuple[tuple[str, Callable[[Entry], float]], ...] = (
        ("average precision", average_precision),
        (f"card precision@{scene.cards_per_day}, mean of the days", lambda entry: entry.figures.card_precision),
    )
    figure = Figure(figsize=(9, 1.2 + _ROW_INCHES * len(models)), layout="constrained")
    for axes, (title, value) in zip(figure.subplots(1, 2, sharey=True), columns, strict=True):
        for place, model in enumerate(models):
            _row(axes, place, model, value, scene.family_colours[model.family])
        axes.set(xlabel=title, xlim=(0, None), ylim=(-0.7, len(models) - 0.3))
        axes.set_yticks(range(len(models)), [model.title for model in models])
        axes.grid(axis="x", color=_GRID)
        axes.set_axisbelow(True)
        axes.label_outer()
    figure.legend(handles=_families(scene), loc="outside upper center", ncols=len(scene.family_colours))
    figure.legend(handles=[*_learning(), *_seeds(models)], loc="outside lower center", ncols=3)
    return figure


def _row(axes: Axes, place: int, model: Model, value: Callable[[Entry], float], colour: str) -> None:
    mean, least, most = model.spread(value)
    axes.plot([least, most], [place, place], color=colour, linewidth=2.5, alpha=0.5, solid_capstyle="butt")
    axes.plot(mean, place, "o", color=colour, markerfacecolor=_inside(model, colour), markersize=5)


def _inside(model: Model, colour: str) -> str:
    return "white" if model.needs_labels else colour


def _families(scene: Scene) -> list[Line2D]:
    return [_mark(colour, "s", family) for family, colour in scene.family_colours.items()]


def _learning() -> list[Line2D]:
    return [_mark(_NEUTRAL, "o", "learns without labels"), _mark(_NEUTRAL, "o", "learns from labels", inside="white")]


def _seeds(models: Sequence[Model]) -> list[Line2D]:
    seeds = max(len(model.entries) for model in models)
    label = f"least to most of {seeds} seeds"
    return [Line2D([], [], color=_NEUTRAL, linewidth=2.5, alpha=0.5, label=label)] if seeds > 1 else []


def _mark(colour: str, marker: str, label: str, *, inside: str | None = None) -> Line2D:
    return Line2D(
        [], [], color=colour, marker=marker, linestyle="", label=label, markerfacecolor=inside or colour, markersize=5
    )


def _quality_and_speed(scene: Scene) -> Figure:
    """Draw average precision against windows a second."""
    figure = Figure(figsize=(7.5, 4.2), layout="constrained")
    axes = figure.add_subplot()
    markers = dict(zip(scene.variants, _MARKERS, strict=False))
    for model in scene.models:
        speed, slowest, fastest = model.spread(lambda entry: entry.windows_per_s)
        mean, least, most = model.spread(average_precision)
        colour = scene.family_colours[model.family]
        axes.plot([speed, speed], [least, most], color=colour, linewidth=1, alpha=0.6)
        axes.plot([slowest, fastest], [mean, mean], color=colour, linewidth=1, alpha=0.6)
        marker = markers.get(model.variant, ".") if model.family != OTHERS else "."
        axes.plot(speed, mean, marker, color=colour, markerfacecolor=_inside(model, colour), markersize=6)
        if model.family == OTHERS:
            axes.annotate(model.variant, (speed, mean), (4, 4), textcoords="offset points", fontsize="small")
    axes.set(xlabel="windows scored a second, on one processor core", ylabel="average precision", xscale="log")
    axes.margins(x=0.12)
    axes.set_ylim(0, None)
    axes.grid(color=_GRID)
    axes.set_axisbelow(True)
    backbones = [_mark(_NEUTRAL, marker, variant) for variant, marker in markers.items()]
    figure.legend(handles=[*_families(scene), *backbones, *_learning()], loc="outside right upper")
    return figure
