"""Windows as they stood before the event that is to be judged."""

import torch
from torch import Tensor


def without_last(window: Tensor) -> Tensor:
    """Hide the last step of windows, its mask too: (B, T, C) -> (B, T, C).

    A model that sees the event which it is to expect learns to copy it.
    """
    return torch.cat([window[:, :-1], torch.zeros_like(window[:, -1:])], dim=1)
