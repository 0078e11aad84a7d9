"""Rows get the same bits in any batch: torch sees whole blocks, of sizes at which the machine agrees with itself."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from detectors import chunks
from detectors.chunks import BLOCK, ROWS, block_rows, in_chunks
from detectors.narrow import FEW, linear_layer

COUNTS = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, ROWS - 1, ROWS, ROWS + 1, 2 * ROWS + 5]


def shapes_seen(count: int) -> list[tuple[tuple[int, ...], ...]]:
    seen: list[tuple[tuple[int, ...], ...]] = []

    def compute(first: Tensor, second: Tensor) -> Tensor:
        seen.append((tuple(first.shape), tuple(second.shape)))
        return first.sum(dim=1) + second

    in_chunks(compute, np.ones((count, 3), np.float32), np.ones(count, np.float32))
    return seen


@pytest.mark.parametrize("count", COUNTS)
def test_a_network_sees_whole_blocks_and_never_more_than_it_may(count: int) -> None:
    rows = [first[0] for first, _ in shapes_seen(count)]
    assert all(0 < each <= ROWS and each % block_rows() == 0 for each in rows)
    assert 0 <= sum(rows) - max(count, 1) < block_rows()
    assert all(first == (second[0], 3) for first, second in shapes_seen(count))


@pytest.mark.parametrize(("place", "name"), [(nn.functional, "linear"), (chunks, "turned")])
def test_where_small_products_add_in_another_order_chunks_are_filled_up(
    monkeypatch: pytest.MonkeyPatch, place: object, name: str
) -> None:
    def unsteady(rows: Tensor, matrix: Tensor) -> Tensor:
        return rows @ matrix.T + (len(rows) < ROWS // 2)

    monkeypatch.setattr(place, name, unsteady)
    assert block_rows.__wrapped__() == ROWS
    monkeypatch.setattr(chunks, "block_rows", block_rows.__wrapped__)
    assert {first[0] for count in COUNTS for first, _ in shapes_seen(count)} == {ROWS}


@pytest.mark.parametrize("count", COUNTS)
def test_rows_come_back_in_order(count: int) -> None:
    rows = np.arange(count, dtype=np.float32)
    assert (in_chunks(lambda each: each * 2, rows) == rows * 2).all()


def test_a_network_sees_no_more_rows_than_it_asks_for() -> None:
    seen: list[int] = []

    def compute(rows: Tensor) -> Tensor:
        seen.append(len(rows))
        return rows

    in_chunks(compute, np.ones(ROWS + 1, np.float32), most=8 * BLOCK)
    assert max(seen) == max(8 * BLOCK, block_rows())


@pytest.mark.parametrize(("count", "seen"), [(1, 1), (BLOCK + 1, 2 * BLOCK), (ROWS + 1, block_rows())])
def test_the_last_chunk_reaches_back_as_far_as_it_can_and_is_filled_up_with_zeros(count: int, seen: int) -> None:
    totals = in_chunks(lambda each: each.sum().expand(len(each)), np.ones((count, 2), np.float32))
    assert totals[-1] == 2 * min(seen, count)


@settings(deadline=None)
@given(
    start=st.integers(0, 1_299), count=st.integers(1, 1_300), width=st.integers(1, 70), outputs=st.sampled_from([4, 48])
)
def test_a_row_of_a_matrix_product_has_the_same_bits_in_any_batch(
    start: int, count: int, width: int, outputs: int
) -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((1_300, width)).astype(np.float32)
    layer = linear_layer(width, outputs)
    layer.weight.data = torch.from_numpy(rng.standard_normal((outputs, width)).astype(np.float32))
    whole = in_chunks(layer, rows)
    part = rows[start : start + count]
    assert in_chunks(layer, part).tobytes() == whole[start : start + count].tobytes()


@pytest.mark.parametrize("outputs", [1, 4, FEW - 1, FEW])
@pytest.mark.parametrize("shape", [(7,), (3, 5)])
def test_a_narrow_layer_maps_as_any_other(outputs: int, shape: tuple[int, ...]) -> None:
    layer = linear_layer(6, outputs)
    rows = torch.randn(*shape, 6, generator=torch.Generator().manual_seed(0))
    expected = nn.functional.linear(rows, layer.weight, layer.bias)
    torch.testing.assert_close(layer(rows), expected)
