"""`make bench`: how fast each part is, beside the bare Kafka client in the same run.

It prints a table and writes all values as JSON. Nothing is asserted: figures of one machine
say nothing of another's, only ratios do.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from streamer.transport.embedded import EmbeddedKafka
from tests.bench import backlog, in_memory, latency, memory, parts, scoring, snapshots, table
from tests.bench.machine import machine
from tests.bench.quiet import quieten
from tests.bench.timing import Measurement
from tests.bench.workload import BATCH, PARTITIONS, Workload
from tests.conftest import JARS

RATES = (500, 2_000)
CROWDS = (10_000, 200_000)
HELD_USERS, HELD_MERCHANTS = 100_000, 10_000
LEAST_EVENTS = 2 * PARTITIONS * BATCH
_PIPED_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Options:
    """How much is measured.

    Attributes:
        repeat: repetitions that count; one more goes before them.
        events: of the backlog.
        slice_s: seconds of each repetition of latency.
        partitions: full ones that are restored; of as many users the memory is measured.
    """

    repeat: int
    events: int
    slice_s: int
    partitions: int


FULL = Options(repeat=5, events=200_000, slice_s=10, partitions=10)
QUICK = Options(repeat=3, events=20_000, slice_s=2, partitions=2)


def main() -> None:
    options, path = _arguments()
    facts = machine()
    quieten()
    console = Console(width=None if sys.stdout.isatty() else _PIPED_WIDTH)
    results: list[Measurement] = []
    with tempfile.TemporaryDirectory() as name, console.status("simulating and training") as status:
        folder = Path(name)
        workload = Workload.make(options.events, folder / "bundle")
        for measured in _all(workload, options, folder):
            results.append(measured)
            status.update(f"{measured.area}: {measured.what}")
    bare = next(each for each in results if each.what == backlog.BARE)
    table.show(results, bare, facts, console)
    table.write(results, bare, facts, asdict(options), path)
    console.print(f"all values: {path}")


def _all(workload: Workload, options: Options, folder: Path) -> Iterator[Measurement]:
    times = options.repeat
    yield parts.decoding(workload, times)
    yield parts.keeping_state(workload, times)
    for users in CROWDS:
        yield parts.keeping_many(users, times)
    yield in_memory.alerting(workload, times)
    yield from scoring.scoring(workload, times)
    yield from in_memory.judging(workload, times)
    with EmbeddedKafka(folder / "kafka", cache=JARS) as kafka:
        yield from backlog.reading(workload, kafka.bootstrap, times)
        for rate in RATES:
            yield from latency.waiting(workload, kafka.bootstrap, rate, times, options.slice_s)
    yield from snapshots.keeping(options.partitions, times)
    yield memory.rows()
    yield from memory.holding(HELD_USERS, HELD_MERCHANTS, times)
    yield from memory.holding(options.partitions * HELD_USERS, options.partitions * HELD_MERCHANTS, times=1)


def _arguments() -> tuple[Options, Path]:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure speed and memory.")
    parser.add_argument("--quick", action="store_true", help="less of everything: under two minutes, wider spread")
    parser.add_argument("--json", type=Path, default=Path(".bench/bench.json"), metavar="PATH", help="all values")
    parser.add_argument("--repeat", type=int, metavar="N", help=f"repetitions (default {FULL.repeat})")
    parser.add_argument("--events", type=int, metavar="N", help=f"events of the backlog (default {FULL.events})")
    given = parser.parse_args()
    basis = QUICK if given.quick else FULL
    repeat = basis.repeat if given.repeat is None else given.repeat
    events = basis.events if given.events is None else given.events
    options = Options(repeat, events, basis.slice_s, basis.partitions)
    if options.repeat < 1 or options.events < LEAST_EVENTS:
        parser.error(f"--repeat must be at least 1, --events at least {LEAST_EVENTS}")
    return options, given.json


if __name__ == "__main__":
    main()
