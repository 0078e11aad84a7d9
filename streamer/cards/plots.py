"""Pictures of a card as SVG."""

import math
from collections.abc import Callable, Mapping
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from streamer.cards.card import ModelCard
from streamer.cards.painting import FRAUD, ORDINARY, paint_scores, render, set_precision_recall

_MOST_TICKS = 8


def draw(card: ModelCard) -> Mapping[str, bytes]:
    """Return the pictures by file name, the same bytes for the same card."""
    pictures = {"card_scores": _scores, "card_precision_recall": _precision_recall, "card_alerts": _alerts}
    return render({name: partial(_figure, picture, card) for name, picture in pictures.items()}, ("svg",))


def _figure(picture: Callable[[Axes, ModelCard], None], card: ModelCard) -> Figure:
    figure = Figure(figsize=(6.4, 3.2), layout="constrained")
    picture(figure.add_subplot(), card)
    return figure


def _scores(axes: Axes, card: ModelCard) -> None:
    paint_scores(axes, card.scores, card.alerts_per_million)


def _precision_recall(axes: Axes, card: ModelCard) -> None:
    curve = card.precision_recall
    axes.plot(curve.recall, curve.precision, color=ORDINARY, label="ensemble", drawstyle="steps-pre")
    set_precision_recall(axes, curve.base, about=card.against)
    axes.legend()


def _alerts(axes: Axes, card: ModelCard) -> None:
    names, places = [day.day for day in card.days], range(len(card.days))
    axes.bar(places, [day.alerts for day in card.days], color=ORDINARY, label="alerts")
    expected = [day.payments * card.alerts_per_million / 1e6 for day in card.days]
    axes.step(places, expected, where="mid", color="black", linestyle=":", label="budget")
    if any(day.frauds for day in card.days):
        axes.plot(places, [day.frauds for day in card.days], "o", color=FRAUD, label="frauds", markersize=4)
    shown = places[:: max(1, math.ceil(len(names) / _MOST_TICKS))]
    axes.set_xticks(list(shown), [names[place] for place in shown], rotation=30, ha="right")
    axes.set(ylabel="a day")
    axes.legend()
