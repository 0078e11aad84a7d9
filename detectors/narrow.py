"""Linear layers of few outputs: the same product, turned so that libraries do it at speed."""

import torch
from torch import Tensor, nn

FEW = 12
"""From about as many outputs on, torch's own form is the faster one."""


def turned(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return what `torch.nn.functional.linear` does, computed as W Xᵀ: (N, I), (O, I), (O,) -> (N, O).

    Libraries fill vectors with a row of the result, and eight numbers are less than one: for 8 outputs
    X Wᵀ takes two and a half times as long as W Xᵀ, whose rows are as long as the batch.
    """
    product = weight @ rows.t() if bias is None else torch.addmm(bias[:, None], weight, rows.t())
    return product.t()


class NarrowLinear(nn.Linear):
    """A linear layer of few outputs."""

    def forward(self, rows: Tensor) -> Tensor:
        """Map the last dimension: (..., I) -> (..., O)."""
        flat = turned(rows.reshape(-1, self.in_features), self.weight, self.bias)
        return flat.reshape(*rows.shape[:-1], self.out_features)


def linear_layer(inputs: int, outputs: int) -> nn.Linear:
    """Make a layer in the form that is faster."""
    return (NarrowLinear if outputs < FEW else nn.Linear)(inputs, outputs)


def leading(layer: nn.Linear, rows: Tensor) -> Tensor:
    """Return what a layer gives for the first of its inputs if all others are zero: (N, J) -> (N, O), J at most I."""
    product = turned if layer.out_features < FEW else nn.functional.linear
    return product(rows, layer.weight[:, : rows.shape[1]], layer.bias)
