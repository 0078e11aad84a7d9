"""Pictures of a model in training, as arrays of pixels."""

from io import BytesIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from detectors.api import Floats
from detectors.training.evaluate import quality
from detectors.training.tasks.view import Expectation, View

Pixels = NDArray[np.uint8]

_DPI = 100
_BARS = 60
_ALERTED = 0.005


def precision_recall(view: View) -> Pixels:
    """Draw the precision-recall curve of telling corruptions from ordinary windows: (H, W, 3)."""
    score = np.concatenate([view.ordinary, view.suspicious])
    truth = np.arange(len(score)) >= len(view.ordinary)
    caught = np.cumsum(truth[np.argsort(-score, kind="stable")])
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(caught / truth.sum(), caught / np.arange(1, len(score) + 1))
    axes.axhline(float(truth.mean()), linestyle=":", color="gray", label="chance")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0.4, 1.01))
    axes.set_title(
        f"corrupted against held-back windows, average precision {quality(score, truth).average_precision:.3f}"
    )
    axes.legend(loc="lower left")
    return _pixels(figure)


def scores(ordinary: Floats, suspicious: Floats) -> Pixels:
    """Draw how the scores of both kinds of windows are spread, on one axis: (H, W, 3)."""
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.add_subplot()
    both = np.concatenate([ordinary, suspicious])
    edges = np.linspace(both.min(), max(both.max(), both.min() + 1e-6), _BARS + 1)
    for values, kind, colour in ((ordinary, "held back", "tab:blue"), (suspicious, "corrupted", "tab:red")):
        share = np.histogram(values, edges)[0] / len(values)
        axes.stairs(share, edges, fill=True, alpha=0.45, color=colour, label=kind)
    threshold = float(np.quantile(ordinary, 1 - _ALERTED))
    found = float((suspicious > threshold).mean())
    axes.axvline(threshold, linestyle=":", color="black", label=f"riskiest {_ALERTED:.1%} of what was held back")
    axes.set(xlabel="raw score, higher is worse", ylabel="share of the windows", ylim=(0, None))
    axes.set_title(f"beyond the dotted line: {found:.1%} of the corrupted windows")
    axes.legend(loc="upper right")
    return _pixels(figure)


def reconstruction(ordinary: Expectation, suspicious: Expectation) -> Pixels:
    """Draw what came, what was expected and how far apart they are, of both kinds of windows: (H, W, 3)."""
    figure = Figure(figsize=(13, 8), layout="constrained")
    rows = (("held back", ordinary), ("corrupted", suspicious))
    for line, (kind, told) in enumerate(rows):
        columns = (
            ("came, scaled", told.came, 4),
            ("expected", told.expected, 4),
            ("apart, in expected sd", told.deviation, 8),
        )
        for place, (what, values, most) in enumerate(columns):
            axes = figure.add_subplot(2, 3, 3 * line + place + 1)
            image = axes.imshow(values, cmap="coolwarm", vmin=-most, vmax=most, aspect="auto", interpolation="nearest")
            axes.set_title(f"{kind}: {what}")
            axes.set_ylabel("window" if place == 0 else "")
            _label(axes, told.features if line == 1 else ())
            figure.colorbar(image, ax=axes)
    return _pixels(figure)


def _label(axes: Axes, names: tuple[str, ...]) -> None:
    axes.set_xticks(range(len(names)), names, rotation=90)


def histogram_range(view: View) -> tuple[Floats, Floats]:
    """Return both kinds of scores without the farthest thousandth, which would flatten the rest."""
    least, most = np.quantile(np.concatenate([view.ordinary, view.suspicious]), (0.0005, 0.9995))
    return view.ordinary.clip(least, most), view.suspicious.clip(least, most)


def _pixels(figure: Figure) -> Pixels:
    drawn = BytesIO()
    figure.savefig(drawn, format="rgba", dpi=_DPI)
    width, height = (round(inches * _DPI) for inches in figure.get_size_inches())
    return np.frombuffer(drawn.getvalue(), np.uint8).reshape(height, width, 4)[:, :, :3]
