"""Faults of what surrounds a worker's loop: its clock, its zone, its disk, its detectors, its program."""

import os
import resource
import time
from dataclasses import dataclass

import numpy as np

from detectors.api import Floats, Windows
from tests.faults.saboteur import replace_method


@dataclass(frozen=True, slots=True)
class ClockJump:
    """The wall clock is another one from the n-th question on.

    Attributes:
        by_s: how far it jumps.
        nth: counts from 1.
    """

    by_s: float
    nth: int

    def install(self) -> None:
        """See `Sabotage.install`."""
        from streamer.clock import SystemClock

        asked = 0

        def wall(_: SystemClock) -> float:
            nonlocal asked
            asked += 1
            return time.time() + (self.by_s if asked >= self.nth else 0.0)

        replace_method(SystemClock, "wall", wall)


@dataclass(frozen=True, slots=True)
class TimeZone:
    """The machine stands elsewhere.

    Attributes:
        name: as in `TZ`.
    """

    name: str

    def install(self) -> None:
        """See `Sabotage.install`."""
        os.environ["TZ"] = self.name
        time.tzset()


@dataclass(frozen=True, slots=True)
class FullDisk:
    """No file of this process can grow beyond a size, as on a disk without room.

    Attributes:
        most_bytes: that size; the log must fit.
    """

    most_bytes: int

    def install(self) -> None:
        """See `Sabotage.install`."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.most_bytes, self.most_bytes))


@dataclass(frozen=True, slots=True)
class Poison:
    """A detector raises whenever payments of an amount are among those it judges.

    Attributes:
        amounts: in units of the currency.
    """

    amounts: tuple[float, ...]

    def install(self) -> None:
        """See `Sabotage.install`."""
        from detectors.models.tails import FeatureTails
        from streamer.state.features import FEATURES

        column = [feature.name for feature in FEATURES].index("log_amount")
        poison = np.log(np.array(self.amounts) + 0.5)
        ordinary = FeatureTails.score

        def score(detector: FeatureTails, windows: Windows) -> Floats:
            if np.isclose(windows.last[:, column, None], poison, rtol=1e-6, atol=0).any():
                raise RuntimeError("sabotage")
            return ordinary(detector, windows)

        replace_method(FeatureTails, "score", score)


@dataclass(frozen=True, slots=True)
class LaterFormat:
    """Snapshots are written as a later program would, in a format of its own."""

    def install(self) -> None:
        """See `Sabotage.install`."""
        from streamer.state import snapshot

        snapshot.FORMAT += 1
