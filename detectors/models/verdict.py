"""A network that reads a window with its last event and says how bad it is, in one number."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from detectors.api import FeatureTable, Floats, Windows
from detectors.models.backbones import make_backbone
from detectors.models.trained import Config, Trained
from detectors.scaling import EXTRA_CHANNELS, LEAST, MOST, Scaling


class Verdict(nn.Module):
    """Backbone and two layers; the logit is of "bad"."""

    def __init__(self, table: FeatureTable, *, backbone: str, width: int, hidden: int) -> None:
        """Make the layers.

        Args:
            table: F features.
            backbone: a name in BACKBONES.
            width: D, size of the summary of a window.
            hidden: H, size of what the logit is computed from.
        """
        super().__init__()
        self.backbone = make_backbone(backbone, table.window, table.steps + EXTRA_CHANNELS, width)
        self.first = nn.Linear(width + len(table.features), hidden)
        self.second = nn.Linear(hidden, hidden)
        self.logit = nn.Linear(hidden, 1)

    def forward(self, window: Tensor, last: Tensor) -> Tensor:
        """Return logits: (B, T, C), (B, F) -> (B,)."""
        seen = torch.cat([self.backbone(window), last], dim=1)
        summary = self.second(self.first(seen).relu_()).relu_()  # (B, H)
        logit: Tensor = self.logit(summary)
        return logit[:, 0]


def verdict_inputs(windows: Windows, scaling: Scaling) -> tuple[Floats, Floats]:
    """Return (B, T, C) channels and (B, F) last features, scaled, within LEAST and MOST."""
    return scaling.window(windows), scaling.last(windows, LEAST, MOST)


def typical_last(windows: Windows, scaling: Scaling) -> Floats:
    """Return (F,) scaled medians of the features of last events."""
    return np.median(scaling.last(windows, LEAST, MOST), axis=0).astype(np.float32)


def stored_typical(arrays: Mapping[str, NDArray[np.generic]], table: FeatureTable) -> Floats:
    """Return the medians that a bundle keeps as "typical".

    Raises:
        ValueError: they are missing or not F.
    """
    if "typical" not in arrays:
        raise ValueError("the array typical is missing")
    typical = np.asarray(arrays["typical"], np.float32)
    if typical.shape != (len(table.features),):
        raise ValueError(f"the array typical has the shape {typical.shape}, not {(len(table.features),)}")
    return typical


_Settings = TypeVar("_Settings", bound=Config)
_Judge = TypeVar("_Judge", bound=Verdict)


def falls(trained: Trained[_Settings, _Judge], windows: Windows, typical: Floats) -> Floats:
    """Return (B, F) how much the logit falls when a directed feature of the last event is a typical one.

    Args:
        trained: the network and its inputs.
        windows: B of them.
        typical: (F,) scaled values that take their place.
    """
    window, last = verdict_inputs(windows, trained.scaling)
    directed = [column for column, feature in enumerate(trained.table.features) if feature.risk != 0]
    fallen = np.zeros(last.shape, np.float32)
    # As many windows at a time as fit one chunk with all their variants: an alert costs one.
    together = max(trained.rows_together // (1 + len(directed)), 1)
    for start in range(0, len(last), together):
        rows = slice(start, start + together)
        variants = _variants(window[rows], last[rows], directed, typical, trained.scaling)
        logits = trained.outputs(*variants).reshape(-1, 1 + len(directed))
        fallen[rows, directed] = logits[:, :1] - logits[:, 1:]
    return np.maximum(fallen, 0)


def _variants(
    window: Floats, last: Floats, directed: Sequence[int], typical: Floats, scaling: Scaling
) -> tuple[Floats, Floats]:
    """Return each row as it is, and then once for each directed feature, with the typical value in its place."""
    count = 1 + len(directed)
    window, last = (np.repeat(each, count, axis=0) for each in (window, last))
    for place, column in enumerate(directed, 1):
        variants = slice(place, None, count)
        last[variants, column] = typical[column]
        if column < scaling.steps:
            window[variants, -1, column] = typical[column]
        if column == scaling.ratio:
            # The centred amount of the last event is its ratio.
            window[variants, -1, scaling.steps] = typical[column]
    return window, last
