"""Windows to scores, by each detector and by all of them, in small and large batches."""

from collections.abc import Callable, Iterator
from functools import partial

from detectors.api import Windows
from streamer.events.decode import decode
from streamer.settings import Settings
from tests.bench.parts import new_state
from tests.bench.timing import Measurement, repeat, us_per_unit
from tests.bench.workload import BATCH, Workload

SCORED_AT_ONCE = (1, 256, BATCH)
_CALLS = 100
_WINDOWS = 4 * BATCH
"""One repetition makes so many calls, or judges so many windows if that is less work."""


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
            run = partial(_judge, judge, windows.rows(slice(0, rows)))
            values = repeat(times, partial(us_per_unit, run))
            yield Measurement("scoring", f"{name}, {rows:,} at once", "µs/window", values)


def _judge(judge: Callable[[Windows], object], windows: Windows) -> int:
    calls = min(_CALLS, -(-_WINDOWS // len(windows)))
    for _ in range(calls):
        judge(windows)
    return calls * len(windows)
