"""Pictures of a card as SVG, the same bytes for the same card."""

import io
import math
from collections.abc import Mapping

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from streamer.alerts.scale import threshold_tail
from streamer.cards.card import ModelCard

_ORDINARY, _CORRUPTED, _FRAUD = "#4c78a8", "#b0b0b0", "#d1495b"
_MOST_TICKS = 8


def draw(card: ModelCard) -> Mapping[str, bytes]:
    """Return the pictures by file name."""
    pictures = {"card_scores.svg": _scores, "card_precision_recall.svg": _precision_recall, "card_alerts.svg": _alerts}
    found = {}
    # Names inside a picture come from its content and this salt, not from chance.
    with mpl.rc_context({"svg.hashsalt": "card", "font.size": 9.0}):
        for name, picture in pictures.items():
            figure = Figure(figsize=(6.4, 3.2), layout="constrained")
            axes = figure.subplots()
            axes.spines[["top", "right"]].set_visible(False)
            picture(axes, card)
            buffer = io.BytesIO()
            figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
            found[name] = buffer.getvalue()
    return found


def _scores(axes: Axes, card: ModelCard) -> None:
    scores, decade = card.scores, math.log(10)
    for shares, label, colour in (
        (scores.corrupted, "corruptions", _CORRUPTED),
        (scores.ordinary, "payments", _ORDINARY),
        (scores.fraud, "frauds", _FRAUD),
    ):
        if shares:
            edges = [place * scores.width / decade for place in range(len(shares) + 1)]
            axes.stairs(shares, edges, label=label, color=colour, fill=shares is scores.corrupted)
    axes.axvline(threshold_tail(card.alerts_per_million) / decade, color="black", linestyle=":", label="alert budget")
    axes.set(xlabel="risk in powers of ten: at 3, rarer than one in 1,000", ylabel="share", yscale="log")
    axes.legend(frameon=False)


def _precision_recall(axes: Axes, card: ModelCard) -> None:
    curve = card.precision_recall
    axes.plot(curve.recall, curve.precision, color=_ORDINARY, label="ensemble", drawstyle="steps-pre")
    axes.axhline(curve.base, color="black", linestyle=":", label="chance")
    axes.set(xlabel=f"recall ({card.against})", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(frameon=False)


def _alerts(axes: Axes, card: ModelCard) -> None:
    names, places = [day.day for day in card.days], range(len(card.days))
    axes.bar(places, [day.alerts for day in card.days], color=_ORDINARY, label="alerts")
    expected = [day.payments * card.alerts_per_million / 1e6 for day in card.days]
    axes.step(places, expected, where="mid", color="black", linestyle=":", label="budget")
    if any(day.frauds for day in card.days):
        axes.plot(places, [day.frauds for day in card.days], "o", color=_FRAUD, label="frauds", markersize=4)
    shown = places[:: max(1, math.ceil(len(names) / _MOST_TICKS))]
    axes.set_xticks(list(shown), [names[place] for place in shown], rotation=30, ha="right")
    axes.set(ylabel="a day")
    axes.legend(frameon=False)
