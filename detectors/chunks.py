"""Scores that do not depend on the batch: torch always sees the same number of rows.

A matrix product may add in another order when the number of rows changes, so one window could
get other bits alone than in a batch. In batches of one fixed shape each row gets the same bits
wherever it stands and whatever stands beside it; the rest of the last batch is zeros.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from detectors.api import Floats

ROWS = 256
"""Rows that torch sees at a time; a multiple of every vector width, so no row is a remainder."""


def in_chunks(compute: Callable[..., Tensor], *inputs: Floats) -> Floats:
    """Apply a network to rows, a fixed number at a time, without gradients.

    Args:
        compute: takes one tensor of ROWS rows for each input, returns a tensor of ROWS rows.
        inputs: arrays of B rows each; they are left untouched.

    Returns:
        B float32 rows.
    """
    count = len(inputs[0])
    padded = [np.zeros((ROWS, *each.shape[1:]), np.float32) for each in inputs]
    parts = []
    with torch.inference_mode():
        for start in range(0, max(count, 1), ROWS):
            rows = min(ROWS, count - start)
            for target, source in zip(padded, inputs, strict=True):
                target[:rows] = source[start : start + rows]
                target[rows:] = 0
            parts.append(compute(*map(torch.from_numpy, padded)).numpy()[:rows].copy())
    return np.concatenate(parts)
