"""Temporal convolution: the fast default."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from detectors.models.backbones.base import Backbone
from detectors.narrow import leading, linear_layer


class TemporalConvolution(Backbone):
    """A temporal convolution network whose strides equal its kernels.

    Without overlap each layer is one matrix product on a view of its input, several times as
    fast as a general convolution: the steps of a kernel lie side by side in memory. The first
    layer reads every step and costs most, so it is a quarter as wide as the others. Narrow layers
    judge better, too: in three simulated worlds the discriminator's average precision rose from .58
    to .62 when the first layer went from a half to a quarter, and fell again at an eighth.
    """

    causal = False
    strides = (4, 4)

    def __init__(self, steps: int, channels: int, width: int) -> None:
        """Make the layers.

        Args:
            steps: T, a multiple of the product of the strides.
            channels: C.
            width: D, at least 4.

        Raises:
            ValueError: the strides do not divide the steps.
        """
        super().__init__(width)
        layers = []
        for stride, wide in zip(self.strides, (width // 4, width), strict=True):
            if steps % stride:
                raise ValueError(f"a window of {steps} steps is no multiple of the stride {stride}")
            layers.append(linear_layer(stride * channels, wide))
            steps, channels = steps // stride, wide
        self.layers = nn.ModuleList(layers)
        self.head = nn.Linear(steps * width, width)

    def forward(self, window: Tensor) -> Tensor:
        """See `Backbone.forward`."""
        return self._summary(self._levels(window)[-1])

    def past(self, window: Tensor) -> Tensor:
        """See `Backbone.past`: nothing of the window is copied."""
        return self._summary(self._levels(window, without_last=True)[-1])

    def steps(self, window: Tensor) -> Tensor:
        """See `Backbone.steps`: what each layer and the head say of the stretch that a step lies in, added up."""
        levels = self._levels(window)
        levels.append(self._summary(levels[-1])[:, None])
        length = window.shape[1]
        wide = [pad(each, (0, self.width - each.shape[2])) for each in levels]
        return torch.stack([each.repeat_interleave(length // each.shape[1], dim=1) for each in wide]).sum(dim=0)

    def _levels(self, window: Tensor, *, without_last: bool = False) -> list[Tensor]:
        """Return what each layer gives: (B, T/4, D/4), (B, T/16, D)."""
        levels: list[Tensor] = []
        hidden = window
        for stride, layer in zip(self.strides, self.layers, strict=True):
            rows, steps, channels = hidden.shape
            side_by_side = hidden.reshape(rows, steps // stride, stride * channels)  # (B, T/k, k·C)
            hidden = layer(side_by_side)  # (B, T/k, W)
            if without_last and not levels:
                # The last step lies at the end of the last stretch.
                last = leading(cast("nn.Linear", layer), side_by_side[:, -1, :-channels])
                hidden = torch.cat([hidden[:, :-1], last[:, None]], dim=1)
            levels.append(hidden.relu_())
        return levels

    def _summary(self, coarsest: Tensor) -> Tensor:
        summary: Tensor = self.head(coarsest.flatten(1)).relu_()
        return summary  # (B, D)
