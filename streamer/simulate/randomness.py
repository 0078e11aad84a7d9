"""Randomness that depends on names, not on what was drawn before.

Each day has generators of its own, and what changes slowly (journeys, devices) is a hash of
the seed, the person and the period, so that no day needs the days before it.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

_BEFORE_START = 100_000
_GOLDEN = 0x9E3779B97F4A7C15
_MASK = 0xFFFFFFFFFFFFFFFF


class Stream(IntEnum):
    """What the numbers are for; streams of one seed are independent."""

    MERCHANTS = 1
    USERS = 2
    HONEST = 3
    FRAUD = 4
    JOURNEYS = 5
    PHONES = 6
    LAPTOPS = 7
    SHOPS = 8


def generator(seed: int, stream: Stream, day: int = 0, part: int = 0) -> np.random.Generator:
    """Return the generator of one part of a stream on one day; days before the start are negative."""
    return np.random.default_rng([seed, stream, day + _BEFORE_START, part])


def log_uniform(rng: np.random.Generator, least: float, most: float, count: int) -> NDArray[np.float64]:
    """Draw factors or durations whose logarithms are equally likely."""
    return np.exp(rng.uniform(np.log(least), np.log(most), count))


def hashed(seed: int, stream: Stream, *keys: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return one 64-bit number for each row of the keys (finaliser of SplitMix64, Vigna)."""
    value = np.full(keys[0].shape, (seed * _GOLDEN + stream) & _MASK, dtype=np.uint64)
    for key in keys:
        value ^= key.astype(np.uint64)
        value += np.uint64(_GOLDEN)
        value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        value ^= value >> np.uint64(31)
    return value


def hashed_uniform(seed: int, stream: Stream, *keys: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return one number from [0, 1) for each row of the keys."""
    return (hashed(seed, stream, *keys) >> np.uint64(11)) / float(2**53)
