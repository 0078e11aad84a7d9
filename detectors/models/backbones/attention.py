"""Causal self-attention with learned positions. Vaswani et al. 2017; norms first, Xiong et al. 2020."""

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from detectors.models.backbones.base import Backbone, real_steps


class Block(nn.Module):
    """Attention, then a layer for each step alone; both are added to what was there."""

    heads = 4

    def __init__(self, width: int) -> None:
        """Make the layers; D must be a multiple of the heads."""
        super().__init__()
        self.width = width
        self.before_attention = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.mix = nn.Linear(width, width)
        self.before_layer = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 2 * width)
        self.narrow = nn.Linear(2 * width, width)

    def forward(self, hidden: Tensor, sees: Tensor) -> Tensor:
        """Let the last Q steps see others: (B, T, D), (B, 1, Q, T) bool -> (B, Q, D)."""
        asking = sees.shape[2]
        normed = self.before_attention(hidden)
        key, value = self._by_head(self.key_value(normed)).chunk(2, dim=1)  # each (B, H, T, D/H)
        query = self._by_head(self.query(normed[:, -asking:]))  # (B, H, Q, D/H)
        seen = scaled_dot_product_attention(query, key, value, attn_mask=sees)
        hidden = hidden[:, -asking:] + self.mix(seen.transpose(1, 2).flatten(2))
        narrowed: Tensor = self.narrow(torch.relu(self.widen(self.before_layer(hidden))))
        return hidden + narrowed

    def _by_head(self, projected: Tensor) -> Tensor:
        rows, steps, _ = projected.shape
        return projected.reshape(rows, steps, -1, self.width // self.heads).transpose(1, 2)


class CausalAttention(Backbone):
    """Each step looks at itself and the real ones before it; the summary is what the last one sees.

    Positions count from the end of the window. A last step that is hidden still has its position,
    which makes it a question about what comes next.
    """

    causal = True
    rows = 256
    blocks = 2

    def __init__(self, steps: int, channels: int, width: int) -> None:
        """Make the layers.

        Args:
            steps: T; windows may be shorter.
            channels: C.
            width: D, a multiple of the number of heads.

        Raises:
            ValueError: the heads do not divide the width.
        """
        super().__init__(width)
        if width % Block.heads:
            raise ValueError(f"a width of {width} cannot be shared by {Block.heads} heads: choose a multiple")
        self.embed = nn.Linear(channels, width)
        self.position = nn.Parameter(0.02 * torch.randn(steps, width))
        self.layers = nn.ModuleList(Block(width) for _ in range(self.blocks))
        self.norm = nn.LayerNorm(width)

    def forward(self, window: Tensor) -> Tensor:
        """See `Backbone.forward`."""
        return self._read(window, asking=1)[:, 0]

    def steps(self, window: Tensor) -> Tensor:
        """See `Backbone.steps`; steps that are not real see themselves alone."""
        return self._read(window, asking=window.shape[1])

    def _read(self, window: Tensor, asking: int) -> Tensor:
        """Return what the last steps see: (B, T, C) -> (B, asking, D)."""
        length = window.shape[1]
        itself = torch.eye(length, dtype=torch.bool, device=window.device)
        # Every step sees itself: attention to nothing at all would be 0 / 0.
        sees = (real_steps(window)[:, None, None] & torch.ones_like(itself).tril()) | itself  # (B, 1, T, T)
        hidden = self.embed(window) + self.position[-length:]
        for layer in self.layers[:-1]:
            hidden = layer(hidden, sees)
        # Nobody looks at the last layer's other steps.
        normed: Tensor = self.norm(self.layers[-1](hidden, sees[:, :, -asking:]))
        return normed
