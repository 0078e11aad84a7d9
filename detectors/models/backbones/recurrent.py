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

    def forward(self, window: Tensor) -> Tensor:
        """Return the state at the end: (B, T, C) -> (B, D), 0 where no step is real."""
        states, _, count = self._read(window)
        row = torch.arange(states.shape[1], device=window.device)
        return states[(count - 1).clamp(min=0), row] * (count > 0)[:, None]

    def steps(self, window: Tensor) -> Tensor:
        """Return the state after each step: (B, T, C) -> (B, T, D), 0 where the step is not real."""
        states, first, _ = self._read(window)
        length, rows, width = states.shape
        step = torch.arange(length, device=window.device)
        row = torch.arange(rows, device=window.device)[:, None]
        back = (step - first[:, None]) % length * rows + row  # (B, T)
        in_place = states.flatten(0, 1).index_select(0, back.flatten()).reshape(rows, length, width)
        return in_place * real_steps(window)[:, :, None]

    def _read(self, window: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return (T, B, D) states, (B,) the first real step, (B,) how many there are.

        Moved to the front, real steps meet an untouched memory; what follows them is not looked at.
        Steps come first and are copied as whole rows: moved one by one, numbers take half as long
        as the memory itself.
        """
        real = real_steps(window)
        rows, length, channels = window.shape
        first = real.to(torch.uint8).argmax(dim=1)
        step = torch.arange(length, device=window.device)[:, None]
        row = torch.arange(rows, device=window.device)
        to_front = (step + first) % length + row * length  # (T, B)
        moved = window.reshape(-1, channels).index_select(0, to_front.flatten()).reshape(length, rows, channels)
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
            batch_first=False,
        )
        return states, first, real.sum(dim=1)


class Lstm(Backbone):
    """Reads payments in their order; the summary is the state after the last."""

    causal = True

    def __init__(self, steps: int, channels: int, width: int) -> None:  # noqa: ARG002 (the form of all backbones)
        """Make the layer: T, C, D."""
        super().__init__(width)
        self.forwards = Memory(channels, width)

    def forward(self, window: Tensor) -> Tensor:
        """See `Backbone.forward`."""
        end: Tensor = self.forwards(window)
        return end

    def steps(self, window: Tensor) -> Tensor:
        """See `Backbone.steps`: 0 where no step is real."""
        return self.forwards.steps(window)


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
        return torch.cat([self.forwards(window), self.backwards(window.flip(1))], dim=1)

    def steps(self, window: Tensor) -> Tensor:
        """See `Backbone.steps`: 0 where no step is real."""
        return torch.cat([self.forwards.steps(window), self.backwards.steps(window.flip(1)).flip(1)], dim=2)
