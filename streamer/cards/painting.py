"""What all pictures share: their looks, their files, and axes that cards and evaluations both draw."""

import io
import math
from collections.abc import Callable, Mapping, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from streamer.alerts.scale import threshold_tail
from streamer.cards.card import Histogram

ORDINARY, CORRUPTED, FRAUD = "#4c78a8", "#b0b0b0", "#d1495b"
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Colours that the colour-blind tell apart: Okabe and Ito, without their yellow, which is faint on white."""

FORMS = ("svg", "png")
"""Of pictures that stand alone."""

_DPI = 150
_MARKED_RATES = (0.001, 0.005, 0.01)
_METADATA: Mapping[str, Mapping[str, None]] = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}


def render(pictures: Mapping[str, Callable[[], Figure]], forms: Sequence[str]) -> dict[str, bytes]:
    """Draw pictures; the same content gives the same bytes.

    Args:
        pictures: what draws each, by name.
        forms: of files: "svg", "png".

    Returns:
        Files by name.
    """
    with mpl.rc_context(
        {
            # Names inside a picture come from its content and this salt, not from chance.
            "svg.hashsalt": "streamer",
            "font.size": 9.0,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "legend.frameon": False,
        }
    ):
        drawn = {name: draw() for name, draw in pictures.items()}
        return {f"{name}.{form}": _encode(figure, form) for name, figure in drawn.items() for form in forms}


def _encode(figure: Figure, form: str) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=form, dpi=_DPI, metadata=dict(_METADATA[form]))
    return buffer.getvalue()


def paint_scores(axes: Axes, scores: Histogram, alerts_per_million: float) -> None:
    """Draw how risks are spread, and where alerts begin."""
    decade = math.log(10)
    for shares, label, colour in (
        (scores.corrupted, "corruptions", CORRUPTED),
        (scores.ordinary, "payments", ORDINARY),
        (scores.fraud, "frauds", FRAUD),
    ):
        if shares:
            edges = [place * scores.width / decade for place in range(len(shares) + 1)]
            axes.stairs(shares, edges, label=label, color=colour, fill=shares is scores.corrupted)
    axes.axvline(threshold_tail(alerts_per_million) / decade, color="black", linestyle=":", label="alert budget")
    axes.set(xlabel="risk in powers of ten: at 3, rarer than one in 1,000", ylabel="share", yscale="log")
    axes.legend()


def set_precision_recall(axes: Axes, base: float, *, about: str) -> None:
    """Prepare axes for precision-recall curves.

    Args:
        axes: to be prepared.
        base: precision of a coin.
        about: what is to be found.
    """
    axes.axhline(base, color="black", linestyle=":", label="chance")
    axes.set(xlabel=f"recall ({about})", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))


def set_recall_by_rate(axes: Axes) -> None:
    """Prepare axes for recall against the share of payments that is looked at."""
    rates = [10 ** (place / 10) for place in range(-40, 1)]
    axes.plot(rates, rates, color="black", linestyle=":", label="chance")
    for rate in _MARKED_RATES:
        axes.axvline(rate, color="#bbbbbb", linewidth=0.8, zorder=0)
    axes.set(xlabel="alert rate (share of payments looked at)", ylabel="recall (share of frauds found)", xscale="log")
    axes.set(xlim=(1e-4, 1), ylim=(0, 1.02))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{100 * rate:g} %"))
