"""A generative adversarial network whose discriminator judges.

    noise, mask ─> generator ─> window and last features ─┐
    real windows ─────────────────────────────────────────┼─> discriminator ─> logit of "not real"
    plausible corruptions of real windows ────────────────┘

A discriminator that only ever met its own generator knows how that generator errs, not how
fraud looks. It is trained mainly against corruptions (see `training/corruption.py`); the
generator's samples, at a small weight, close off the rest of the space. Goodfellow et al.
2014; spectral normalisation keeps the discriminator smooth, Miyato et al. 2018.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from detectors.api import FeatureTable, Floats, Windows
from detectors.chunks import ROWS, in_chunks
from detectors.models.backbones import Wrap, make_backbone, plain
from detectors.models.weights import config_of, load_weights, under, weights_of
from detectors.scaling import EXTRA_CHANNELS, LEAST, MOST, Scaling


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
    width: int = 48
    hidden: int = 96
    noise: int = 32


class Discriminator(nn.Module):
    """Tells what is not real."""

    def __init__(self, config: GanConfig, table: FeatureTable, *, wrap: Wrap = plain) -> None:
        """Make the layers; `wrap` normalises each in training."""
        super().__init__()
        channels = table.steps + EXTRA_CHANNELS
        self.backbone = make_backbone(config.backbone, table.window, channels, config.width, wrap=wrap)
        self.first = wrap(nn.Linear(config.width + len(table.features), config.hidden))
        self.second = wrap(nn.Linear(config.hidden, config.hidden))
        # A layer of norm 1 could not be sure of anything; the gain gives logits their scale.
        self.logit = nn.Linear(config.hidden, 1)

    def summary(self, window: Tensor, last: Tensor) -> Tensor:
        """Summarise: (B, T, C), (B, F) -> (B, H)."""
        seen = torch.cat([self.backbone(window), last], dim=1)
        return torch.relu(self.second(torch.relu(self.first(seen))))

    def forward(self, window: Tensor, last: Tensor) -> Tensor:
        """Return logits of "not real": (B, T, C), (B, F) -> (B,)."""
        logit: Tensor = self.logit(self.summary(window, last))
        return logit[:, 0]


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
        table: F features.
        settings: of the networks.
        scaling: of their inputs.
        network: the trained discriminator.
        typical: (F,) float32, scaled medians of the features, which explanations put in their place.
    """

    table: FeatureTable
    settings: GanConfig
    scaling: Scaling
    network: Discriminator
    typical: Floats

    name = "gan"

    def score(self, windows: Windows) -> Floats:
        """See `Detector.score`: the logit of "not real"."""
        return in_chunks(self.network, *discriminator_inputs(windows, self.scaling))

    def explain(self, windows: Windows) -> Floats:
        """See `Detector.explain`: how much the logit falls when a directed feature is a typical one."""
        window, last = discriminator_inputs(windows, self.scaling)
        whole = in_chunks(self.network, window, last)
        directed = [column for column, feature in enumerate(self.table.features) if feature.risk != 0]
        falls = np.zeros(last.shape, np.float32)
        # As many windows at a time as fit one chunk with all their variants: an alert costs two.
        together = max(ROWS // len(directed), 1)
        for start in range(0, len(last), together):
            rows = slice(start, start + together)
            without = in_chunks(self.network, *self._variants(window[rows], last[rows], directed))
            falls[rows, directed] = whole[rows, None] - without.reshape(-1, len(directed))
        return np.maximum(falls, 0)

    def _variants(self, window: Floats, last: Floats, directed: Sequence[int]) -> tuple[Floats, Floats]:
        """Return each row once for each directed feature, with the typical value in its place."""
        window, last = (np.repeat(each, len(directed), axis=0) for each in (window, last))
        for place, column in enumerate(directed):
            variants = slice(place, None, len(directed))
            last[variants, column] = self.typical[column]
            if self.table.features[column].in_window:
                window[variants, -1, column] = self.typical[column]
            if column == self.scaling.ratio:
                # The centred amount of the last event is its ratio.
                window[variants, -1, self.scaling.steps] = self.typical[column]
        return window, last

    def config(self) -> dict[str, object]:
        """Return what a bundle's manifest keeps."""
        return asdict(self.settings)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return what a bundle keeps."""
        scaling = {f"scaling.{part}": array for part, array in self.scaling.arrays().items()}
        return {**weights_of(self.network), **scaling, "typical": self.typical}

    @classmethod
    def load(cls, table: FeatureTable, config: Mapping[str, object], arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        """Restore what `config` and `arrays` gave.

        Raises:
            ValueError: an array is missing or does not fit.
        """
        settings = config_of(GanConfig, config)
        try:
            scaling = Scaling.of(under("scaling", arrays), table)
            typical = np.asarray(arrays["typical"], np.float32)
        except KeyError as error:
            raise ValueError(f"the array {error} is missing") from None
        if typical.shape != scaling.center.shape:
            raise ValueError(f"the array typical has the shape {typical.shape}, not {scaling.center.shape}")
        return cls(table, settings, scaling, load_weights(Discriminator(settings, table), arrays), typical)


def discriminator_inputs(windows: Windows, scaling: Scaling) -> tuple[Floats, Floats]:
    """Return (B, T, C) channels and (B, F) last features, scaled, within LEAST and MOST."""
    return scaling.window(windows), np.clip(scaling.last(windows), LEAST, MOST)
