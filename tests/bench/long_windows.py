"""What an event costs the state with longer windows: the length is a constant, so each has a process of its own."""

import subprocess
import sys
from collections.abc import Iterator

from tests.bench.quiet import quieten
from tests.bench.timing import US_PER_EVENT, Measurement

_USERS = 2_000
_LONG = 128
_BEFORE, _EVENTS = 300_000, 60_000
"""Events by which windows are filled, and events that are measured."""


def lengthening(times: int) -> Iterator[Measurement]:
    """Measure the usual windows and longer ones by turns, so that both meet the same machine."""
    pairs = [(_cost_of(None), _cost_of(_LONG)) for _ in range(times)]
    usual, long = zip(*pairs, strict=True)
    yield Measurement("many users", "state, full windows", US_PER_EVENT, usual)
    yield Measurement("many users", f"state, windows of {_LONG}", US_PER_EVENT, long)
    ratios = tuple(after / before for before, after in pairs)
    yield Measurement("many users", f"windows of {_LONG} ÷ the usual ones", "times", ratios)


def _cost_of(window: int | None) -> float:
    arguments = [] if window is None else [str(window)]
    told = subprocess.run(
        [sys.executable, "-m", "tests.bench.long_windows", *arguments], capture_output=True, text=True, check=True
    )
    return float(told.stdout)


def _measured(window: int | None) -> float:
    quieten()
    if window is not None:
        _lengthen(window)
    from tests.bench.many_users import Crowd

    crowd = Crowd(_USERS)
    crowd.cost_of(_BEFORE)
    return crowd.cost_of(_EVENTS)


def _lengthen(window: int) -> None:
    """Change the constant before any module takes it over."""
    from detectors.api import FeatureTable
    from streamer.state import features

    features.WINDOW = window
    features.TABLE = FeatureTable(features.FEATURES, window=window)


if __name__ == "__main__":
    sys.stdout.write(str(_measured(int(sys.argv[1]) if len(sys.argv) > 1 else None)))
