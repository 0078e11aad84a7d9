"""Back ends measured on a bundle: how fast they are, and what they do to scores and alerts.

They take turns, so that what slows the machine for a while slows all of them; the median counts.
What is measured is the time of the processor, in one thread.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Self

import numpy as np

from detectors.api import Floats, Windows
from detectors.backends import BACKENDS, EAGER
from detectors.backends.attach import attach
from detectors.ensemble import Ensemble
from streamer.errors import EnvironmentFault
from streamer.exam import ENSEMBLE

AT_ONCE = (1, 32, 256, 1_024)
WORTH = 1.1
"""Another back end than torch is the best only if it is faster by so much, on the mean over AT_ONCE."""

_LEAST_WINDOWS = 1_024
"""So many windows are judged between two looks at the clock, by calls of any size; calls are few enough to wait for."""
_MOST_CALLS = 32

Clock = Callable[[], float]
"""Seconds of processor time."""


@dataclass(frozen=True, slots=True)
class Moves:
    """How far numbers lie from those of torch.

    Attributes:
        largest: the largest distance.
        mean: the mean distance.
    """

    largest: float
    mean: float

    @classmethod
    def of(cls, before: Floats, after: Floats) -> Self:
        """Compare (N,) numbers."""
        apart = np.abs(after - before)
        return cls(float(apart.max()), float(apart.mean()))


@dataclass(frozen=True, slots=True)
class Measured:
    """One detector, or all together, on one back end.

    Attributes:
        judge: name of the detector, or "ensemble".
        backend: name of the back end.
        size: bytes of the network as it is run; of all networks for the ensemble.
        per_second: windows a second by how many are judged at once.
        raw: of raw scores, in standard deviations of those of torch; None for the ensemble.
        tail: of calibrated tails.
    """

    judge: str
    backend: str
    size: int
    per_second: Mapping[int, float]
    raw: Moves | None
    tail: Moves


@dataclass(frozen=True, slots=True)
class Trial:
    """All that was measured.

    Attributes:
        windows: how many were judged.
        alerts: how many of them torch raises alerts for.
        measured: by back end and judge.
        changed: alerts that are raised by only one of torch and a back end, as a share of torch's
            alerts, by back end; of one alert if there are none.
        refused: why a back end cannot run the bundle, by back end.
        best: name of the fastest back end, by the ensemble.
    """

    windows: int
    alerts: int
    measured: tuple[Measured, ...]
    changed: Mapping[str, float]
    refused: Mapping[str, str]
    best: str


def measure(ensemble: Ensemble, windows: Windows, *, threshold: float, clock: Clock, rounds: int) -> Trial:
    """Let every back end judge the same windows.

    Args:
        ensemble: on torch.
        windows: at least the largest of AT_ONCE.
        threshold: tail from which alerts are raised.
        clock: of this process.
        rounds: how often each is timed.

    Raises:
        EnvironmentFault: the back ends' libraries are not installed.
    """
    on: dict[str, Ensemble] = {}
    sizes: dict[str, Mapping[str, int]] = {}
    refused: dict[str, str] = {}
    for name, backend in BACKENDS.items():
        try:
            attached = attach(ensemble, backend)
        except ValueError as error:
            refused[name] = str(error)
        except ImportError as error:
            raise EnvironmentFault(
                f"the back end {name!r} cannot be loaded ({error}): pip install 'fraud-streamer[onnx]'"
            ) from error
        else:
            on[name], sizes[name] = attached.ensemble, attached.size
    judged = {name: each.judge(windows) for name, each in on.items()}
    plain = judged[EAGER]
    alarms = plain.risk >= threshold
    measured: list[Measured] = []
    for place, judge in enumerate(ensemble.names):
        if judge not in sizes[EAGER]:
            continue
        speeds = _speeds({name: each.detectors[place].score for name, each in on.items()}, windows, clock, rounds)
        spread = float(plain.raw[:, place].std()) or 1.0
        for name, judgement in judged.items():
            raw = Moves.of(plain.raw[:, place] / spread, judgement.raw[:, place] / spread)
            tail = Moves.of(plain.tails[:, place], judgement.tails[:, place])
            measured.append(Measured(judge, name, sizes[name][judge], speeds[name], raw, tail))
    speeds = _speeds({name: each.judge for name, each in on.items()}, windows, clock, rounds)
    measured += [
        Measured(ENSEMBLE, name, sum(sizes[name].values()), speeds[name], None, Moves.of(plain.risk, judged[name].risk))
        for name in on
    ]
    changed = {
        name: float(((each.risk >= threshold) != alarms).sum()) / max(int(alarms.sum()), 1)
        for name, each in judged.items()
    }
    return Trial(len(windows), int(alarms.sum()), tuple(measured), changed, refused, best_of(speeds))


def best_of(speeds: Mapping[str, Mapping[int, float]]) -> str:
    """Return the back end that is fastest on the geometric mean over numbers of rows; EAGER unless it is WORTH it."""
    gains = {
        name: math.exp(sum(math.log(found[rows] / speeds[EAGER][rows]) for rows in found) / len(found))
        for name, found in speeds.items()
    }
    fastest = max(gains, key=lambda name: gains[name])
    return fastest if gains[fastest] >= WORTH else EAGER


def _speeds(
    judges: Mapping[str, Callable[[Windows], object]], windows: Windows, clock: Clock, rounds: int
) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {name: {} for name in judges}
    for rows in AT_ONCE:
        part = windows.rows(slice(0, rows))
        calls = min(max(_LEAST_WINDOWS // rows, 1), _MOST_CALLS)
        taken: dict[str, list[float]] = {name: [] for name in judges}
        for _ in range(rounds):
            for name, judge in judges.items():
                taken[name].append(_seconds(judge, part, calls, clock))
        for name, seconds in taken.items():
            found[name][rows] = calls * rows / median(seconds)
    return found


def _seconds(judge: Callable[[Windows], object], windows: Windows, calls: int, clock: Clock) -> float:
    begun = clock()
    for _ in range(calls):
        judge(windows)
    return clock() - begun
