"""`make bench`: how fast each part is, beside the bare Kafka client and other programs in the same run.

It prints a table, and writes all values as JSON and a plot. Nothing is asserted: figures of one
machine say nothing of another's, only ratios do. `tests.bench.guard` watches over these.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console

from streamer.transport.embedded import EmbeddedKafka
from tests.bench import backlog, plot, table
from tests.bench.areas import AREAS, FULL, QUICK, Bench, Options
from tests.bench.machine import machine
from tests.bench.quiet import quieten
from tests.bench.workload import BATCH, PARTITIONS, Workload
from tests.conftest import JARS

LEAST_EVENTS = 2 * PARTITIONS * BATCH
_PIPED_WIDTH = 110


def main() -> None:
    options, areas, path = _arguments()
    facts = machine()
    quieten()
    took: dict[str, float] = {}
    console = Console(width=None if sys.stdout.isatty() else _PIPED_WIDTH)
    with tempfile.TemporaryDirectory() as name, console.status("simulating and training") as status:
        folder = Path(name)
        workload = Workload.make(options.events, folder / "bundle", training_events=options.training_events)
        with EmbeddedKafka(folder / "kafka", cache=JARS) as kafka:
            bench = Bench(workload, options, kafka.bootstrap, folder)
            for area in areas:
                status.update(area)
                began = time.monotonic()
                for measured in AREAS[area](bench):
                    bench.results.append(measured)
                    status.update(f"{area}: {measured.what}")
                took[area] = round(time.monotonic() - began, 1)
    bare = next(each for each in bench.results if each.what == backlog.BARE)
    table.show(bench.results, bench.absences, bare, facts, console)
    table.write(bench.results, bench.absences, bare, facts, options=asdict(options), path=path)
    console.print("seconds: " + ", ".join(f"{area} {seconds:g}" for area, seconds in took.items()))
    console.print(f"all values: {path}")
    for drawn in plot.draw(bench.results, bare, facts, path.with_suffix("")):
        console.print(f"plot: {drawn}")


def _arguments() -> tuple[Options, list[str], Path]:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure speed and memory.")
    parser.add_argument("--quick", action="store_true", help="less of everything: under two minutes")
    parser.add_argument("--only", nargs="+", choices=list(AREAS), metavar="AREA", help=f"of {', '.join(AREAS)}")
    parser.add_argument("--json", type=Path, default=Path(".bench/bench.json"), metavar="PATH", help="all values")
    parser.add_argument("--repeat", type=int, metavar="N", help=f"repetitions (default {FULL.repeat})")
    parser.add_argument("--events", type=int, metavar="N", help=f"events of the backlog (default {FULL.events})")
    given = parser.parse_args()
    options = QUICK if given.quick else FULL
    if given.repeat is not None:
        options = replace(options, repeat=given.repeat)
    if given.events is not None:
        options = replace(options, events=given.events)
    if options.repeat < 1 or options.events < LEAST_EVENTS:
        parser.error(f"--repeat must be at least 1, --events at least {LEAST_EVENTS}")
    # The bare client is measured in every run: without it there is nothing to compare with.
    chosen = options.areas if given.only is None else ("backlog", *given.only)
    areas = [area for area in AREAS if area in chosen]
    return options, areas, given.json


if __name__ == "__main__":
    main()
