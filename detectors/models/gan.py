"""A generative adversarial network whose discriminator judges.

    noise, mask ─> generator ─> window and last features ─┐
    real windows ─────────────────────────────────────────┼─> discriminator ─> logit of "not real"
    plausible corruptions of real windows ────────────────┘

A discriminator that only ever met its own generator knows how that generator errs, not how
fraud looks. It is trained mainly against corruptions (see `training/corruption.py`); the
generator's samples, at a small weight, close off the rest of the space. Goodfellow et al.
2014; spectral normalisation keeps the discriminator smooth, Miyato et al. 2018. The loss is the
logistic one: in two simulated worlds a hinge had .41 and .45 of average precision for .51 and .47.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from detectors.api import FeatureTable, Floats, Windows
from detectors.models.trained import Trained
from detectors.models.verdict import Verdict, falls, stored_typical, typical_last, verdict_inputs
from detectors.scaling import LEAST, MOST


@dataclass(frozen=True, slots=True)
class GanConfig:
    """What the networks are made of.

    Attributes:
        backbone: a name in BACKBONES.
        width: D, size of the summary of a window.
        hidden: width of the discriminator's head.
        noise: size of the generator's input.
    """

    backbone: str = "tcn"
    width: int = 32
    hidden: int = 32
    noise: int = 32


class Discriminator(Verdict):
    """Tells what is not real."""

    def __init__(self, config: GanConfig, table: FeatureTable) -> None:
        """Make the layers."""
        super().__init__(table, backbone=config.backbone, width=config.width, hidden=config.hidden)


class Generator(nn.Module):
    """Draws windows: the temporal convolution of the discriminator, upside down."""

    strides = (2, 4, 4)

    def __init__(self, config: GanConfig, table: FeatureTable) -> None:
        """Make the layers."""
        super().__init__()
        steps, features = table.window // int(np.prod(self.strides)), len(table.features)
        self.features = features
        self.width = config.width
        self.in_window = table.steps
        self.amount, self.ratio = table.column("log_amount"), table.column("amount_ratio")
        self.start = nn.Linear(config.noise + 1, steps * config.width)
        widths = [config.width, config.width, config.width, features]
        self.layers = nn.ModuleList(
            nn.Linear(before, stride * after)
            for stride, before, after in zip(self.strides, widths[:-1], widths[1:], strict=True)
        )

    def forward(self, noise: Tensor, mask: Tensor, center: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        """Draw scaled windows: (B, N), (B, T) -> (B, T, C), (B, F).

        Args:
            noise: (B, N), standard normal.
            mask: (B, T), 1 for the steps that are to be real.
            center: (F,) of the scaling.
            scale: (F,) of the scaling.
        """
        rows = len(noise)
        hidden = torch.relu(self.start(torch.cat([noise, mask.mean(dim=1, keepdim=True)], dim=1)))
        hidden = hidden.reshape(rows, -1, self.width)
        for stride, layer in zip(self.strides, self.layers, strict=True):
            drawn = layer(hidden)
            hidden = torch.relu(drawn).reshape(rows, hidden.shape[1] * stride, -1)
        features = drawn.reshape(rows, mask.shape[1], self.features).clamp(LEAST, MOST)  # (B, T, F)
        last = features[:, -1]
        steps = features[:, :, : self.in_window]
        raw_amount = steps[:, :, self.amount] * scale[self.amount] + center[self.amount]
        raw_last = last * scale + center
        mean = raw_last[:, self.amount] - raw_last[:, self.ratio]
        centred = ((raw_amount - mean[:, None] - center[self.ratio]) / scale[self.ratio]).clamp(LEAST, MOST)
        window = torch.cat([steps, centred[:, :, None], torch.ones_like(centred)[:, :, None]], dim=2)
        return window * mask[:, :, None], last


@dataclass(frozen=True, slots=True)
class Gan:
    """The detector: the discriminator's logit.

    Attributes:
        trained: the discriminator and its inputs.
        typical: (F,) float32, scaled medians of the features, which explanations put in their place.
    """

    trained: Trained[GanConfig, Discriminator]
    typical: Floats

    name = "gan"

    @classmethod
    def finish(cls, trained: Trained[GanConfig, Discriminator], windows: Windows) -> Self:
        """Finish a trained discriminator by real windows."""
        return cls(trained, typical_last(windows, trained.scaling))

    def score(self, windows: Windows) -> Floats:
        """See `Detector.score`: the logit of "not real"."""
        return self.trained.outputs(*verdict_inputs(windows, self.trained.scaling))

    def explain(self, windows: Windows) -> Floats:
        """See `Detector.explain`: how much the logit falls when a directed feature is a typical one."""
        return falls(self.trained, windows, self.typical)

    def config(self) -> dict[str, object]:
        """Return what a bundle's manifest keeps."""
        return self.trained.config()

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return what a bundle keeps."""
        return {**self.trained.arrays(), "typical": self.typical}

    @classmethod
    def load(cls, table: FeatureTable, config: Mapping[str, object], arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        """Restore what `config` and `arrays` gave.

        Raises:
            ValueError: an array is missing or does not fit.
        """
        trained = Trained.load(GanConfig, Discriminator, table, config, arrays)
        return cls(trained, stored_typical(arrays, table))
