"""From the start of the process until it is ready: imports, compiled kernels, bundle, group, a small snapshot."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from streamer.events.record import Message, Record
from tests.bench.timing import Measurement
from tests.bench.workload import PARTITIONS, Workload
from tests.helpers.worker import Topics, eventually, worker

_EVENTS = 2_000


def starting(workload: Workload, bootstrap: str, folder: Path, times: int) -> Iterator[Measurement]:
    """Start a worker again and again; each begins with the snapshots that the one before left."""
    topics = Topics(bootstrap).create(PARTITIONS)
    produce(topics, workload.records[:_EVENTS])
    snapshots = ("--set", f"snapshots.url={folder / 'snapshots'}")
    took = []
    for number in range(times + 1):
        begin = time.monotonic()
        with worker(topics, workload.folder, folder / f"{number}.log", *snapshots) as running:
            took.append(time.monotonic() - begin)
            eventually("all is committed", lambda: topics.committed() == _EVENTS)
            running.stop()
    what = f"process start to ready, snapshot of {_EVENTS:,} events"
    yield Measurement("start", what, "s", tuple(took[1:]))


def produce(topics: Topics, records: Sequence[Record]) -> None:
    """Send records to the input topic."""
    topics.produce([Message(topics.transactions, record.key, record.value) for record in records])
