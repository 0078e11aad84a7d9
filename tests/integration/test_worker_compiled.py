"""Nothing is compiled while payments wait: not by a worker that is ready, nor by one in a container."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

WORKER = """
import gc, sys
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

def compiled():
    return {(each.__qualname__, form) for each in gc.get_objects() if isinstance(each, Dispatcher)
            for form in each.signatures}

settings = load(None, {"alerts.alerts_per_million": "500000", "alerts.suppress_s": "0"})
bundle = open_bundle(Path(sys.argv[1]))
warm_up(settings, bundle)
ready = compiled()
values = [encode(event.transaction) for event in simulate(SMALL_WORLD, range(3))]
records = [Record("t", number % 2, number // 2, None, value) for number, value in enumerate(values)]
pipeline = Pipeline(settings, bundle, worker="w", version="0", replay=False, stage=lambda _: nullcontext())
start = alerts = 0
for size in (1, 1, 2, 3, 64, 500):
    # Two partitions, of which one may be empty.
    batch = sorted(records[start : start + size], key=lambda record: record.partition)
    alerts += sum(len(part.alerts) for part in pipeline.process(batch, now_ms=0))
    start += size
assert start < len(records) and alerts > 0, (len(records), alerts)
print(sorted(map(str, compiled() - ready)))
"""


def test_a_ready_worker_has_compiled_all_that_it_runs_and_the_image_holds_it(bundle: Path, tmp_path: Path) -> None:
    run(ROOT / "deploy" / "warm.py", machine_code=tmp_path)
    image = files(tmp_path)
    assert run("-c", WORKER, bundle, machine_code=tmp_path) == "[]"
    assert image
    assert files(tmp_path) == image


def run(*arguments: object, machine_code: Path) -> str:
    """Run Python with a cache of numba's own."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(machine_code), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout.strip()


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*.nbc")}
