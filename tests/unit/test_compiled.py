"""Compilation goes on where machine code cannot be kept."""

from collections.abc import Callable

import pytest
from numba import njit

from detectors.compiled import compiled_cached


def nowhere() -> Callable[[int], int]:
    """Return a function whose source lies in no file, so that numba finds no place beside it."""
    names: dict[str, Callable[[int], int]] = {}
    exec(compile("def double(x):\n    return 2 * x\n", "<nowhere>", "exec"), names)  # noqa: S102
    return names["double"]


def test_numba_itself_would_refuse() -> None:
    with pytest.raises(RuntimeError, match="no locator"):
        njit(cache=True)(nowhere())


def test_without_a_place_for_the_cache_code_is_compiled_anew() -> None:
    assert compiled_cached(nowhere())(21) == 42
