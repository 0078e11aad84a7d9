"""What a bundle is worth as pictures: for the ensemble and for each detector."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from streamer.cards.card import Histogram
from streamer.cards.painting import FORMS, PALETTE, paint_scores, render, set_precision_recall, set_recall_by_rate
from streamer.curves import Curves
from streamer.evaluation import ENSEMBLE


@dataclass(frozen=True, slots=True)
class Scene:
    """What pictures of a bundle show.

    Attributes:
        curves: of the ensemble and of each detector, by name.
        scores: how the ensemble's risks are spread.
        base: share of the judged payments that is fraud.
        alerts_per_million: the alert budget.
    """

    curves: Mapping[str, Curves]
    scores: Histogram
    base: float
    alerts_per_million: float


def draw(scene: Scene) -> dict[str, bytes]:
    """Return the pictures as files by name."""
    pictures = {
        "precision_recall": _precision_recall,
        "recall_by_alert_rate": _recall_by_rate,
        "scores": _scores,
    }
    return render({name: partial(_figure, picture, scene) for name, picture in pictures.items()}, FORMS)


def _figure(picture: Callable[[Axes, Scene], None], scene: Scene) -> Figure:
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    picture(figure.add_subplot(), scene)
    return figure


def _precision_recall(axes: Axes, scene: Scene) -> None:
    for colour, (name, curves) in zip(PALETTE, scene.curves.items(), strict=False):
        width = _width(name)
        axes.plot(curves.recall, curves.precision, color=colour, label=name, linewidth=width, drawstyle="steps-pre")
    set_precision_recall(axes, scene.base, about="fraud")
    axes.legend()


def _recall_by_rate(axes: Axes, scene: Scene) -> None:
    for colour, (name, curves) in zip(PALETTE, scene.curves.items(), strict=False):
        axes.plot(curves.alert_rate, curves.recall_at_rate, color=colour, label=name, linewidth=_width(name))
    set_recall_by_rate(axes)
    axes.axvline(scene.alerts_per_million / 1e6, color="black", linestyle="--", linewidth=0.8, label="alert budget")
    axes.legend(loc="upper left", frameon=True, framealpha=0.9, edgecolor="none")


def _width(name: str) -> float:
    return 2.0 if name == ENSEMBLE else 1.2


def _scores(axes: Axes, scene: Scene) -> None:
    paint_scores(axes, scene.scores, scene.alerts_per_million)
