"""Distributions of one field of the next event: how likely is a value, and how rare is one as risky.

Each is read from the outputs of a network. Training asks for the *surprise*, -ln of the density;
scores ask for the *rarity*, -ln of the probability of all that is at least as risky.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, softplus

from detectors.scaling import LEAST, MOST

LEAST_LOG_SIGMA = -1.5
"""Floor of a component's sd, 0.22 of the field's: the density of a value that occurs again and again,
such as the bound of a gap, would else grow without end."""


class Density(Protocol):
    """A family of distributions."""

    @property
    def outputs(self) -> int:
        """K, how many numbers describe one distribution."""
        ...

    def surprise(self, raw: Tensor, value: Tensor) -> Tensor:
        """Return -ln of the density: (B, K) outputs, (B,) values -> (B,)."""
        ...

    def rarity(self, raw: Tensor, value: Tensor) -> Tensor:
        """Return -ln P(at least as risky): (B, K) outputs, (B,) values -> (B,), at least 0."""
        ...


@dataclass(frozen=True, slots=True)
class Mixture:
    """Gaussians, mixed; of logarithms: log-normals. Values are scaled; larger ones are riskier. Bishop 1994."""

    components: int

    @property
    def outputs(self) -> int:
        """See `Density.outputs`: weights, means and sds."""
        return 3 * self.components

    def surprise(self, raw: Tensor, value: Tensor) -> Tensor:
        """See `Density.surprise`; without the constant."""
        # Far outliers would pull all weights to themselves.
        log_weight, deviation, log_sigma = self._read(raw, value.clamp(LEAST, MOST))
        return -torch.logsumexp(log_weight - deviation.square() / 2 - log_sigma, dim=1)

    def rarity(self, raw: Tensor, value: Tensor) -> Tensor:
        """See `Density.rarity`."""
        log_weight, deviation, _ = self._read(raw, value)
        return -torch.logsumexp(log_weight + torch.special.log_ndtr(-deviation), dim=1).clamp(max=0)

    def _read(self, raw: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return log weights, deviations of the value in sds, and log sds, each (B, components)."""
        weight, mean, sigma = raw.chunk(3, dim=1)
        # Components begin side by side: equal ones would learn the same.
        apart = torch.linspace(-1, 1, self.components, device=raw.device) if self.components > 1 else 0
        log_sigma = LEAST_LOG_SIGMA + softplus(sigma - LEAST_LOG_SIGMA)
        return log_softmax(weight, dim=1), (value[:, None] - mean - apart) * torch.exp(-log_sigma), log_sigma


@dataclass(frozen=True, slots=True)
class Ordinal:
    """A softmax over the stretches between edges; later stretches are riskier.

    Attributes:
        edges: ascending; a value on an edge belongs to the stretch above it.
    """

    edges: tuple[float, ...]

    @property
    def outputs(self) -> int:
        """See `Density.outputs`."""
        return len(self.edges) + 1

    def surprise(self, raw: Tensor, value: Tensor) -> Tensor:
        """See `Density.surprise`."""
        return -log_softmax(raw, dim=1).gather(1, self._stretch(value))[:, 0]

    def rarity(self, raw: Tensor, value: Tensor) -> Tensor:
        """See `Density.rarity`."""
        above = torch.arange(self.outputs, device=raw.device) >= self._stretch(value)
        return -_log_sum(log_softmax(raw, dim=1), above)

    def _stretch(self, value: Tensor) -> Tensor:
        """Return where values lie: (B,) -> (B, 1)."""
        return (value[:, None] >= value.new_tensor(self.edges)).sum(dim=1, keepdim=True)


@dataclass(frozen=True, slots=True)
class Categories:
    """A softmax over categories 0, 1, ... without order; the rarer, the riskier."""

    count: int

    @property
    def outputs(self) -> int:
        """See `Density.outputs`."""
        return self.count

    def surprise(self, raw: Tensor, value: Tensor) -> Tensor:
        """See `Density.surprise`."""
        return -log_softmax(raw, dim=1).gather(1, value.long()[:, None])[:, 0]

    def rarity(self, raw: Tensor, value: Tensor) -> Tensor:
        """See `Density.rarity`: -ln of the probability of all categories that are as rare."""
        log_share = log_softmax(raw, dim=1)
        return -_log_sum(log_share, log_share <= log_share.gather(1, value.long()[:, None]))


def _log_sum(log_share: Tensor, chosen: Tensor) -> Tensor:
    """Return ln of the sum of the chosen shares: (B, K), (B, K) bool -> (B,), at most 0."""
    return torch.logsumexp(log_share.masked_fill(~chosen, -math.inf), dim=1).clamp(max=0)
