import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from detectors.chunks import ROWS, in_chunks


def test_the_network_always_sees_the_same_shape() -> None:
    seen = []

    def compute(first: Tensor, second: Tensor) -> Tensor:
        seen.append((tuple(first.shape), tuple(second.shape)))
        return first.sum(dim=1) + second

    for count in (0, 1, ROWS - 1, ROWS, ROWS + 1, 2 * ROWS):
        in_chunks(compute, np.ones((count, 3), np.float32), np.ones(count, np.float32))
    assert set(seen) == {((ROWS, 3), (ROWS,))}


@pytest.mark.parametrize("count", [0, 1, ROWS - 1, ROWS, ROWS + 1, 2 * ROWS + 5])
def test_rows_come_back_in_order(count: int) -> None:
    rows = np.arange(count, dtype=np.float32)
    assert (in_chunks(lambda each: each * 2, rows) == rows * 2).all()


def test_rows_of_a_fuller_chunk_do_not_leak_into_the_next() -> None:
    rows = np.ones((ROWS + 1, 2), np.float32)
    totals = in_chunks(lambda each: each.sum().expand(ROWS), rows)
    assert totals[-1] == 2


def test_the_input_may_be_read_only_and_stays_as_it_is() -> None:
    rows = np.ones((5, 2), np.float32)
    rows.setflags(write=False)
    in_chunks(lambda each: each.mul_(3), rows)
    assert (rows == 1).all()


@given(start=st.integers(0, 299), count=st.integers(1, 300), width=st.integers(1, 70))
def test_a_row_of_a_matrix_product_has_the_same_bits_in_any_batch(start: int, count: int, width: int) -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((300, width)).astype(np.float32)
    layer = nn.Linear(width, 48)
    layer.weight.data = torch.from_numpy(rng.standard_normal((48, width)).astype(np.float32))
    whole = in_chunks(layer, rows)
    part = rows[start : start + count]
    assert in_chunks(layer, part).tobytes() == whole[start : start + count].tobytes()
