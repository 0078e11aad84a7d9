"""One and two workers, each a process of its own, on the same four partitions.

The workers get their partitions first, are stopped while the backlog is written, and go on at once:
so neither joining nor producing is part of the speed. With the broker they share this machine's cores.
"""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import kafka

from tests.bench.startup import produce
from tests.bench.timing import EVENTS_PER_S, Measurement
from tests.bench.workload import PARTITIONS, Workload
from tests.helpers.worker import RunningWorker, Topics, worker

MOST_WORKERS = 2

_LONGEST_S = 180.0
_LOOK_EVERY_S = 0.05
_SETTLE_S = 3.0


def scaling(workload: Workload, bootstrap: str, folder: Path, times: int) -> Iterator[Measurement]:
    """Let one and two workers, by turns, read a backlog to its end."""
    rates: dict[int, list[float]] = {count: [] for count in range(1, MOST_WORKERS + 1)}
    for number in range(times):
        for count, found in rates.items():
            found.append(_rate(workload, bootstrap, folder / f"{number}-{count}", count))
    for count, found in rates.items():
        named = "1 process" if count == 1 else f"{count} processes"
        yield Measurement("scale-out", f"workers, {named}", EVENTS_PER_S, tuple(found))
    ratios = tuple(more / median(rates[1]) for more in rates[MOST_WORKERS])
    yield Measurement("scale-out", f"{MOST_WORKERS} processes ÷ 1", "times", ratios)


def _rate(workload: Workload, bootstrap: str, folder: Path, count: int) -> float:
    topics = Topics(bootstrap).create(PARTITIONS)
    folder.mkdir()
    with ExitStack() as stack:
        workers = [
            stack.enter_context(worker(topics, workload.folder, folder / f"{number}.log")) for number in range(count)
        ]
        time.sleep(_SETTLE_S)  # until the group is of one mind
        _all(workers, signal.SIGSTOP)
        try:
            produce(topics, workload.records)
        finally:
            _all(workers, signal.SIGCONT)
        begin = time.monotonic()
        _wait(topics, len(workload.records))
        return len(workload.records) / (time.monotonic() - begin)


def _wait(topics: Topics, total: int) -> None:
    """Wait until everything is committed."""
    admin = kafka.KafkaAdminClient(bootstrap_servers=topics.bootstrap)
    give_up = time.monotonic() + _LONGEST_S
    try:
        while _committed(admin, topics) < total:
            if time.monotonic() > give_up:
                raise TimeoutError(f"{total} records were not judged within {_LONGEST_S:g} s: is the machine busy?")
            time.sleep(_LOOK_EVERY_S)
    finally:
        admin.close()


def _committed(admin: kafka.KafkaAdminClient, topics: Topics) -> int:
    groups = admin.list_group_offsets({topics.flags["kafka.group_id"]: None})
    return sum(found.offset for group in groups.values() for found in group.values() if found.offset > 0)


def _all(workers: list[RunningWorker], number: signal.Signals) -> None:
    for each in workers:
        each.process.send_signal(number)
