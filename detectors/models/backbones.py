"""Networks that read a window: (B, T, C) channels in, (B, D) summary out.

Choose one by its name in BACKBONES; a new one is a module of the same form and a row there.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

Wrap = Callable[[nn.Linear], nn.Module]


def plain(layer: nn.Linear) -> nn.Module:
    """Use a linear layer as it is."""
    return layer


class TemporalConvolution(nn.Module):
    """A temporal convolution network whose strides equal its kernels.

    Without overlap each layer is one matrix product on a view of its input, several times as
    fast as a general convolution: the steps of a kernel lie side by side in memory.
    """

    strides = (4, 4, 2)

    def __init__(self, steps: int, channels: int, width: int, *, wrap: Wrap = plain) -> None:
        """Make the layers.

        Args:
            steps: T, a multiple of the product of the strides.
            channels: C.
            width: D; inner layers are as wide.
            wrap: normalises the weights of a layer, if need be.

        Raises:
            ValueError: the strides do not divide the steps.
        """
        super().__init__()
        layers = []
        for stride in self.strides:
            if steps % stride:
                raise ValueError(f"a window of {steps} steps is no multiple of the stride {stride}")
            layers.append(wrap(nn.Linear(stride * channels, width)))
            steps, channels = steps // stride, width
        self.layers = nn.ModuleList(layers)
        self.head = wrap(nn.Linear(steps * width, width))

    def forward(self, window: Tensor) -> Tensor:
        """Summarise windows: (B, T, C) -> (B, D)."""
        hidden = window
        for stride, layer in zip(self.strides, self.layers, strict=True):
            rows, steps, channels = hidden.shape
            side_by_side = hidden.reshape(rows, steps // stride, stride * channels)  # (B, T/k, k·C)
            hidden = torch.relu(layer(side_by_side))  # (B, T/k, D)
        return torch.relu(self.head(hidden.flatten(1)))  # (B, D)


BACKBONES: Mapping[str, type[TemporalConvolution]] = {"tcn": TemporalConvolution}


def make_backbone(name: str, steps: int, channels: int, width: int, *, wrap: Wrap = plain) -> nn.Module:
    """Make a backbone by its name.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in BACKBONES:
        raise ValueError(f"there is no backbone {name!r}: choose one of {', '.join(BACKBONES)}")
    return BACKBONES[name](steps, channels, width, wrap=wrap)
