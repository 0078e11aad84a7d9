"""Scores that do not depend on the batch: torch sees whole blocks of rows only.

A matrix product may add in another order when the number of rows changes, so one window could get
other bits alone than in a batch. Batches are therefore cut into chunks, and the last chunk reaches
back over rows that were done, or is filled up with zeros, to a number of rows at which the machine's
products are known to agree.
"""

from collections.abc import Callable
from functools import cache
from math import ceil

import numpy as np
import torch
from torch import Tensor, nn

from detectors.api import Floats
from detectors.narrow import turned

BLOCK = 32
"""Rows of a small batch; a multiple of every vector width, so no row is a remainder."""

ROWS = 1_024
"""Rows that torch sees at most: with fewer, calls cost as much as products; with more, they wait for memory."""

_PROBES = ((64, 48), (512, 24), (96, 96), (48, 1))
"""Shapes of the matrices by which the machine is asked: deep, wide, and a single output."""

_NARROW_PROBES = ((64, 8), (64, 4), (24, 2))
"""Shapes of matrices whose products are turned."""


def in_chunks(compute: Callable[..., Tensor], *inputs: Floats, most: int = ROWS) -> Floats:
    """Apply a network to rows without gradients; a row gets the same bits whichever stand beside it.

    Args:
        compute: takes a tensor of N rows for each input, returns a tensor of N rows; leaves its inputs untouched.
        inputs: writable arrays of B rows each.
        most: rows of a chunk at most; a multiple of BLOCK, ROWS at most.

    Returns:
        B float32 rows.
    """
    count = len(inputs[0])
    block = block_rows()
    most = max(most, block)
    parts = []
    with torch.inference_mode():
        for start in range(0, max(count, 1), most):
            stop = min(start + most, count)
            first = stop - max(ceil((stop - start) / block), 1) * block
            chunk = (torch.from_numpy(_from(first, each[:stop])) for each in inputs)
            parts.append(compute(*chunk).numpy()[start - first :])
    return np.concatenate(parts)


@cache
def block_rows() -> int:
    """Return the number of rows to a multiple of which chunks are filled up on this machine.

    BLOCK, if products of all multiples of it give a row the same bits as products of ROWS rows do; else ROWS.
    """
    draw = np.random.default_rng(0)
    with torch.inference_mode():
        for product, shapes in ((nn.functional.linear, _PROBES), (turned, _NARROW_PROBES)):
            for inputs, outputs in shapes:
                rows, matrix = (
                    torch.from_numpy(draw.standard_normal((count, inputs), np.float32)) for count in (ROWS, outputs)
                )
                if not _is_steady(product, rows, matrix):
                    return ROWS
    return BLOCK


def _is_steady(product: Callable[[Tensor, Tensor], Tensor], rows: Tensor, matrix: Tensor) -> bool:
    whole = product(rows, matrix)
    return all(torch.equal(product(rows[:count], matrix), whole[:count]) for count in range(BLOCK, ROWS, BLOCK))


def _from(first: int, rows: Floats) -> Floats:
    """Return the rows from a place on; before the first one there are zeros."""
    if first >= 0:
        return rows[first:]
    return np.concatenate([np.zeros((-first, *rows.shape[1:]), np.float32), rows])
