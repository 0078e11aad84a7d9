"""A conditional variational autoencoder: what could the next payment of this user look like?

    window without its last event -> backbone ─┬─> context (B, D + U)
    undirected features of the last event ─────┘       │
    risk-directed features x of the last event ─> encoder ─> z ─> decoder ─> mean and sd of x

A model that sees the event it judges learns to copy it, so the decoder sees the context alone,
and z only in training. To judge, z is the mean of its prior; nothing is drawn, so the same
window gets the same score. Only deviations towards risk count: an unusually small amount is
rare too, but harmless. Kingma and Welling 2014; Sohn, Lee and Yan 2015 (conditional).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from detectors.api import FeatureTable, Floats, Windows
from detectors.models.backbones import make_backbone
from detectors.models.evidence import Evidence
from detectors.models.trained import Trained
from detectors.scaling import EXTRA_CHANNELS, LEAST, MOST, Scaling

LEAST_LOG_SIGMA = -0.3
"""Floor of the expected sd, 0.74 of the usual one. With a lower one, how sure the network happened to
become of single features decided the score, and differed from one training to the next."""


@dataclass(frozen=True, slots=True)
class VaeConfig:
    """What the network is made of.

    Attributes:
        backbone: a name in BACKBONES.
        width: D, size of the summary of a window.
        latent: Z, size of z.
        hidden: width of encoder and decoder.
    """

    backbone: str = "tcn"
    width: int = 16
    latent: int = 8
    hidden: int = 32


class VaeNetwork(nn.Module):
    """The network; P risk-directed features, U undirected ones."""

    def __init__(self, config: VaeConfig, table: FeatureTable) -> None:
        """Make the layers."""
        super().__init__()
        directed = sum(feature.risk != 0 for feature in table.features)
        given = config.width + len(table.features) - directed
        self.latent = config.latent
        self.context = make_backbone(config.backbone, table.window, table.steps + EXTRA_CHANNELS, config.width)
        self.encoder = nn.Sequential(
            nn.Linear(directed + given, config.hidden),
            nn.ReLU(inplace=True),
            nn.Linear(config.hidden, 2 * config.latent),
        )
        self.decoder = nn.Linear(config.latent + given, config.hidden)
        self.expected = nn.Linear(config.hidden, 2 * directed)

    def given(self, window: Tensor, undirected: Tensor) -> Tensor:
        """Summarise all that is known before the event: (B, T, C), (B, U) -> (B, D + U)."""
        return torch.cat([self.context.past(window), undirected], dim=1)

    def decode(self, z: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log sd of the features, each (B, P)."""
        hidden = self.decoder(torch.cat([z, given], dim=1)).relu_()
        mean, raw = self.expected(hidden).chunk(2, dim=1)
        return mean, LEAST_LOG_SIGMA + nn.functional.softplus(raw - LEAST_LOG_SIGMA)

    def losses(self, window: Tensor, undirected: Tensor, directed: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return the two parts of the negative evidence lower bound, in nats.

        Args:
            window: (B, T, C), of which the last event is not looked at.
            undirected: (B, U).
            directed: (B, P), what is to be explained.
            noise: (B, Z), standard normal.

        Returns:
            Negative log-likelihood (B,), without the constant, and divergence of z from its
            prior (B, Z).
        """
        given = self.given(window, undirected)
        z_mean, z_log_var = self.encoder(torch.cat([directed, given], dim=1)).chunk(2, dim=1)
        mean, log_sigma = self.decode(z_mean + noise * torch.exp(z_log_var / 2), given)
        surprise = ((directed - mean) * torch.exp(-log_sigma)).square() / 2 + log_sigma
        divergence = (z_mean.square() + z_log_var.exp() - 1 - z_log_var) / 2
        return surprise.sum(dim=1), divergence

    def forward(self, window: Tensor, undirected: Tensor) -> Tensor:
        """Expect the features: (B, T, C), (B, U) -> (B, 2P), means and sds."""
        given = self.given(window, undirected)
        # z is 0, so its columns have no part.
        hidden = nn.functional.linear(given, self.decoder.weight[:, self.latent :], self.decoder.bias).relu_()
        mean, raw = self.expected(hidden).chunk(2, dim=1)
        # What `decode` returns the logarithm of: a softplus is the logarithm of 1 and an exponential.
        return torch.cat([mean, math.exp(LEAST_LOG_SIGMA) + raw.contiguous().exp()], dim=1)


@dataclass(frozen=True, slots=True)
class VaeInputs:
    """What the network reads of B windows.

    Attributes:
        window: (B, T, C) scaled channels.
        undirected: (B, U) scaled features that are context only.
        directed: (B, P) scaled features times their risk direction, without bounds.
    """

    window: Floats
    undirected: Floats
    directed: Floats

    @classmethod
    def of(cls, windows: Windows, scaling: Scaling, table: FeatureTable) -> Self:
        """Scale windows."""
        risk = np.array([feature.risk for feature in table.features], np.float32)
        last = scaling.last(windows)
        undirected = np.clip(last[:, risk == 0], LEAST, MOST)
        return cls(scaling.window(windows), undirected, last[:, risk != 0] * risk[risk != 0])


@dataclass(frozen=True, slots=True)
class Vae:
    """The detector: the rarest of the deviations towards risk, taken together.

    Attributes:
        trained: the network and its inputs.
        evidence: how large deviations ordinarily are.
    """

    trained: Trained[VaeConfig, VaeNetwork]
    evidence: Evidence

    name = "vae"

    @classmethod
    def calibrate(cls, trained: Trained[VaeConfig, VaeNetwork], held_back: Windows) -> Self:
        """Finish a trained network by windows that it was not trained on."""
        columns = _directed(trained.table)
        return cls(trained, Evidence.fit(deviations(trained, held_back), columns, len(trained.table.features)))

    def score(self, windows: Windows) -> Floats:
        """See `Detector.score`: the sum of the largest tails."""
        return self.evidence.score(deviations(self.trained, windows))

    def explain(self, windows: Windows) -> Floats:
        """See `Detector.explain`: the tails of the deviations that the score is the sum of."""
        return self.evidence.explain(deviations(self.trained, windows))

    def config(self) -> dict[str, object]:
        """Return what a bundle's manifest keeps."""
        return self.trained.config()

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return what a bundle keeps."""
        return {**self.trained.arrays(), **self.evidence.arrays()}

    @classmethod
    def load(cls, table: FeatureTable, config: Mapping[str, object], arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        """Restore what `config` and `arrays` gave.

        Raises:
            ValueError: an array is missing or does not fit.
        """
        trained = Trained.load(VaeConfig, VaeNetwork, table, config, arrays)
        return cls(trained, Evidence.of(arrays, _directed(table), len(table.features)))


def deviations(trained: Trained[VaeConfig, VaeNetwork], windows: Windows) -> Floats:
    """Return (B, P) how many expected sds the features lie on the risky side of what is expected."""
    return windows.once(trained, lambda: _deviations(trained, windows))


def _deviations(trained: Trained[VaeConfig, VaeNetwork], windows: Windows) -> Floats:
    inputs = VaeInputs.of(windows, trained.scaling, trained.table)
    expected = trained.outputs(inputs.window, inputs.undirected)
    directed = inputs.directed.shape[1]
    mean, sigma = expected[:, :directed], expected[:, directed:]
    return np.asarray((inputs.directed - mean) / sigma, np.float32)


def _directed(table: FeatureTable) -> list[int]:
    return [column for column, feature in enumerate(table.features) if feature.risk != 0]
