"""Compilation by numba, typed for the type checker."""

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile a function that other compiled functions call; it is cached with its callers."""
    return cast("Function", njit(function))


def compiled_cached(function: Function) -> Function:
    """Compile an entry point and keep the machine code on disk for the next start.

    Where no folder is writable the code is compiled anew at each start.
    """
    try:
        return cast("Function", njit(cache=True)(function))
    except RuntimeError:  # numba found no place for its cache
        return compiled(function)
