"""Windows to scores and to explanations, by each detector and by all of them, in batches of several sizes."""

from collections.abc import Callable, Iterator
from functools import partial

from detectors.api import Windows
from streamer.events.decode import decode
from streamer.settings import Settings
from tests.bench.parts import new_state
from tests.bench.timing import Measurement, repeat, us_per_unit
from tests.bench.workload import BATCH, Workload

SCORED_AT_ONCE = (1, 32, 256, BATCH)
EXPLAINED_AT_ONCE = (1, 16)
_WINDOWS = 4 * BATCH
_LEAST_CALLS, _MOST_CALLS = 4, 20
"""One repetition judges about so many windows, in so many calls."""


def scoring(workload: Workload, times: int) -> Iterator[Measurement]:
    """Measure each detector and the ensemble."""
    batch, _ = decode(workload.batches[-1], Settings().events)
    first, _ = decode(workload.batches[0], Settings().events)
    state = new_state()
    windows = Windows.concatenate([state.advance(each).windows for each in (first, batch)])
    ensemble = workload.bundle.ensemble
    judges: dict[str, Callable[[Windows], object]] = {each.name: each.score for each in ensemble.detectors}
    judges["ensemble"] = ensemble.judge
    for rows in SCORED_AT_ONCE:
        for name, judge in judges.items():
            yield _measured(name, judge, windows.rows(slice(0, rows)), times)
    for rows in EXPLAINED_AT_ONCE:
        yield _measured("explanation", ensemble.explain, windows.rows(slice(0, rows)), times)


def _measured(name: str, judge: Callable[[Windows], object], windows: Windows, times: int) -> Measurement:
    values = repeat(times, partial(us_per_unit, partial(_judge, judge, windows)))
    return Measurement("scoring", f"{name}, {len(windows):,} at once", "µs/window", values)


def _judge(judge: Callable[[Windows], object], windows: Windows) -> int:
    calls = min(max(_WINDOWS // len(windows), _LEAST_CALLS), _MOST_CALLS)
    for _ in range(calls):
        judge(windows)
    return calls * len(windows)
