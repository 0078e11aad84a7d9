"""Repeated measurements and what they come to: the median, and how far they spread."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

EVENTS_PER_S = "events/s"
US_PER_EVENT = "µs/event"
_US = 1e6


@dataclass(frozen=True, slots=True)
class Measurement:
    """One figure, measured several times.

    Attributes:
        area: what part of the program it is about.
        what: the figure's name, unique within its area.
        unit: of the values.
        values: one a repetition, in order; at least one.
    """

    area: str
    what: str
    unit: str
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError(f"{self.area}: {self.what} was never measured")

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def least(self) -> float:
        return min(self.values)

    @property
    def most(self) -> float:
        return max(self.values)

    @property
    def events_per_s(self) -> float | None:
        """The median as a rate of events; None for figures that are none, such as memory."""
        return self.as_rate(self.median)

    def as_rate(self, value: float) -> float | None:
        """Return one of the values as events a second; None where it is no such figure."""
        if self.unit == EVENTS_PER_S:
            return value
        return _US / value if self.unit == US_PER_EVENT and value > 0 else None


@dataclass(frozen=True, slots=True)
class Clocks:
    """What time is measured by.

    Attributes:
        process: seconds of the whole process.
        loop: seconds of the thread that asks.
    """

    process: Callable[[], float]
    loop: Callable[[], float]


WALL = Clocks(time.perf_counter, time.perf_counter)
PROCESSOR = Clocks(time.process_time, time.thread_time)
"""Counts work alone: waiting for the broker, or for a core that others have, is none."""


@dataclass(frozen=True, slots=True)
class Absence:
    """A figure that could not be measured here.

    Attributes:
        area: as of a measurement.
        what: as of a measurement.
        why: for people.
    """

    area: str
    what: str
    why: str


def ratio(measured: Measurement, bare: Measurement) -> float | None:
    """Return how many times as fast as another figure this one is; None where that means nothing."""
    mine, other = measured.events_per_s, bare.events_per_s
    return mine / other if mine is not None and other else None


def paired_ratios(measured: Measurement, bare: Measurement) -> tuple[float, ...]:
    """Return the ratio of each round by itself: what slows a whole round down cancels out.

    Raises:
        ValueError: they were not measured in the same rounds, or are no rates.
    """
    if len(measured.values) != len(bare.values):
        raise ValueError(f"{measured.what} and {bare.what} were not measured in the same rounds")
    found = []
    for mine, other in zip(measured.values, bare.values, strict=True):
        rate, unit = measured.as_rate(mine), bare.as_rate(other)
        if rate is None or not unit:
            raise ValueError(f"{measured.what} or {bare.what} is no rate")
        found.append(rate / unit)
    return tuple(found)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least a share of the values does not exceed (nearest rank).

    Raises:
        ValueError: there is no value, or the share is not within 0 to 1.
    """
    if not values or not 0 <= share <= 1:
        raise ValueError(f"no percentile {share} of {len(values)} values")
    rank = -int(-share * len(values) // 1)  # rounded up
    return sorted(values)[max(rank, 1) - 1]


def repeat(times: int, run: Callable[[], float]) -> tuple[float, ...]:
    """Return the results of so many runs; one more goes first and is discarded.

    The first run compiles, fills caches and touches memory for the first time.
    """
    run()
    return tuple(run() for _ in range(times))


def us_per_unit(work: Callable[[], int], now: Callable[[], float] = time.perf_counter) -> float:
    """Do work once and return its µs per unit.

    Args:
        work: returns how many units it did.
        now: seconds on a scale that never goes back.
    """
    begin = now()
    units = work()
    return (now() - begin) * _US / units
