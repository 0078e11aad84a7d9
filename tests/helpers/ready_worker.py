"""Run as a program on a bundle: what is compiled once a worker is ready, as a list; it should be empty."""

import gc
import sys
from contextlib import nullcontext
from pathlib import Path

from numba.core.dispatcher import Dispatcher

from streamer.bundles import open_bundle
from streamer.cli.assembly import warm_up
from streamer.events.record import Record
from streamer.pipeline import Pipeline
from streamer.settings import load
from streamer.simulate.event import encode
from streamer.simulate.stream import simulate
from tests.conftest import SMALL_WORLD

_DAYS = range(3)
_BATCHES = (1, 1, 2, 3, 64, 500)


def main(folder: Path) -> None:
    settings = load(None, {"alerts.alerts_per_million": "500000", "alerts.suppress_s": "0"})
    bundle = open_bundle(folder)
    warm_up(settings, bundle)
    ready = _compiled()
    values = [encode(event.transaction) for event in simulate(SMALL_WORLD, _DAYS)]
    records = [Record("t", number % 2, number // 2, None, value) for number, value in enumerate(values)]
    pipeline = Pipeline(settings, bundle, worker="w", version="0", replay=False, stage=lambda _: nullcontext())
    start = alerts = 0
    for size in _BATCHES:
        # Two partitions, of which one may be empty.
        batch = sorted(records[start : start + size], key=lambda record: record.partition)
        alerts += sum(len(part.alerts) for part in pipeline.process(batch, now_ms=0))
        start += size
    if start > len(records) or alerts == 0:
        sys.exit(f"too little happens in {len(records)} payments: {alerts} alerts")
    sys.stdout.write(f"{sorted(map(str, _compiled() - ready))}\n")


def _compiled() -> set[tuple[str, object]]:
    """Return all compiled functions, each with the types that it was compiled for."""
    functions = [each for each in gc.get_objects() if isinstance(each, Dispatcher)]
    return {(each.py_func.__qualname__, form) for each in functions for form in each.signatures}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
