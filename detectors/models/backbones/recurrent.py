"""Long short-term memory, forwards or both ways. Hochreiter and Schmidhuber 1997."""

import torch
from torch import Tensor, nn

from detectors.models.backbones.base import Backbone, real_steps


class Memory(nn.Module):
    """One layer of long short-term memory that skips steps which are not real.

    Its matrices stand in linear layers, where spectral normalisation finds them: `nn.LSTM` keeps
    copies of them that a parametrisation does not reach.
    """

    def __init__(self, channels: int, width: int) -> None:
        """Make the layers; gates stand in torch's order: input, forget, cell, output."""
        super().__init__()
        self.width = width
        self.input = nn.Linear(channels, 4 * width)
        self.recurrent = nn.Linear(width, 4 * width)
        with torch.no_grad():
            # Remembering is the rule from the start: Jozefowicz, Zaremba and Sutskever 2015.
            self.input.bias[width : 2 * width] += 1

    def forward(self, window: Tensor) -> tuple[Tensor, Tensor]:
        """Read windows: (B, T, C) -> (B, T, D) state after each real step, (B, D) state at the end."""
        real = real_steps(window)
        rows, length, _ = window.shape
        # Moved to the front, real steps meet an untouched memory; what follows them is not looked at.
        first = real.to(torch.uint8).argmax(dim=1, keepdim=True)
        place = torch.arange(length, device=window.device)
        to_front = ((place + first) % length)[:, :, None]
        moved = window.gather(1, to_front.expand_as(window))
        start = window.new_zeros(1, rows, self.width)
        weights = (self.input.weight, self.recurrent.weight, self.input.bias, self.recurrent.bias)
        states, _, _ = torch.lstm(
            moved,
            (start, start),
            weights,
            has_biases=True,
            num_layers=1,
            dropout=0.0,
            train=self.training,
            bidirectional=False,
            batch_first=True,
        )
        count = real.sum(dim=1)
        end = states[torch.arange(rows, device=window.device), (count - 1).clamp(min=0)] * (count > 0)[:, None]
        back = ((place - first) % length)[:, :, None]
        return states.gather(1, back.expand_as(states)) * real[:, :, None], end


class Lstm(Backbone):
    """Reads payments in their order; the summary is the state after the last."""

    causal = True

    def __init__(self, steps: int, channels: int, width: int) -> None:  # noqa: ARG002 (the form of all backbones)
        """Make the layer: T, C, D."""
        super().__init__(width)
        self.forwards = Memory(channels, width)

    def forward(self, window: Tensor) -> Tensor:
        """See `Backbone.forward`."""
        return self._read(window)[1]

    def steps(self, window: Tensor) -> Tensor:
        """See `Backbone.steps`: 0 where no step is real."""
        return self._read(window)[0]

    def _read(self, window: Tensor) -> tuple[Tensor, Tensor]:
        states: tuple[Tensor, Tensor] = self.forwards(window)
        return states


class BidirectionalLstm(Backbone):
    """Reads payments in their order and against it; each way gives half of the summary."""

    causal = False

    def __init__(self, steps: int, channels: int, width: int) -> None:  # noqa: ARG002 (the form of all backbones)
        """Make the layers: T, C, D.

        Raises:
            ValueError: D is odd.
        """
        super().__init__(width)
        if width % 2:
            raise ValueError(f"a width of {width} cannot be shared by two directions: choose an even one")
        self.forwards = Memory(channels, width // 2)
        self.backwards = Memory(channels, width // 2)

    def forward(self, window: Tensor) -> Tensor:
        """See `Backbone.forward`."""
        return torch.cat([self.forwards(window)[1], self.backwards(window.flip(1))[1]], dim=1)

    def steps(self, window: Tensor) -> Tensor:
        """See `Backbone.steps`: 0 where no step is real."""
        return torch.cat([self.forwards(window)[0], self.backwards(window.flip(1))[0].flip(1)], dim=2)
