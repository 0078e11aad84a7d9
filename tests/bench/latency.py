"""From produced to alert acknowledged and to committed, under a steady load.

The producer is a process of its own, `streamer simulate`; the records' timestamps are the
moments of sending. One run is cut into slices, each one repetition; the first is discarded.
"""

import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence

from streamer.alerts.contract import decode_alert
from streamer.events.record import Message, Record
from tests.bench.timing import Measurement, percentile
from tests.bench.worker_parts import run_worker
from tests.bench.workload import PARTITIONS, WORLD, Workload
from tests.helpers.worker import Topics

Position = tuple[int, int]

_GRACE_S = 60.0
_SHARES = {"p50": 0.5, "p99": 0.99}


class Latencies:
    """Remembers when records were sent, committed and alerted; milliseconds since the epoch."""

    def __init__(self) -> None:
        self.commits: list[tuple[float, Sequence[Record]]] = []
        self.flushes: list[tuple[float, Sequence[Message]]] = []

    def committed(self, records: Sequence[Record]) -> None:
        self.commits.append((time.time() * 1000, records))

    def flushed(self, messages: Sequence[Message]) -> None:
        self.flushes.append((time.time() * 1000, messages))

    def sent(self) -> dict[Position, int]:
        return {(each.partition, each.offset): each.timestamp for _, batch in self.commits for each in batch}

    def to_commit(self) -> Iterator[tuple[int, float]]:
        """Yield when each record was sent and how long it took."""
        for at, records in self.commits:
            for record in records:
                yield record.timestamp, at - record.timestamp

    def to_alert(self) -> Iterator[tuple[int, float]]:
        """Yield the same for each alert."""
        sent = self.sent()
        for at, messages in self.flushes:
            for message in messages:
                origin = decode_alert(message.value or b"").origin
                timestamp = sent[origin.partition, origin.offset]
                yield timestamp, at - timestamp


def waiting(workload: Workload, bootstrap: str, rate: int, times: int, slice_s: int) -> Iterator[Measurement]:
    """Measure at so many events a second."""
    topics = Topics(bootstrap).create(PARTITIONS)
    total = rate * slice_s * (times + 1)
    latencies, stopping, seen = Latencies(), threading.Event(), 0

    def committed(records: Sequence[Record]) -> None:
        nonlocal seen
        latencies.committed(records)
        seen += len(records)
        if seen >= total:
            stopping.set()

    command = [sys.executable, "-m", "streamer", "simulate", "--to-topic", topics.transactions]
    command += ["--bootstrap", bootstrap, "--rate", str(rate), "--limit", str(total)]
    command += ["--users", str(WORLD.users), "--days", str(WORLD.days)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as producer:
        try:
            longest_s = slice_s * (times + 1) + _GRACE_S
            run_worker(
                workload,
                topics,
                f"group-{topics.name}",
                stopping,
                committed=committed,
                flushed=latencies.flushed,
                longest_s=longest_s,
            )
        finally:
            producer.kill()
    for what, found in (("commit", latencies.to_commit()), ("alert", latencies.to_alert())):
        slices = _slices(found, min(latencies.sent().values()), slice_s, times)
        for name, share in _SHARES.items():
            values = tuple(percentile(each, share) for each in slices)
            yield Measurement("latency", f"to {what} at {rate:,}/s, {name}", "ms", values)


def _slices(found: Iterator[tuple[int, float]], begin: int, slice_s: int, times: int) -> list[list[float]]:
    """Group latencies by the moment of sending; the first slice and empty ones are left out."""
    slices: defaultdict[int, list[float]] = defaultdict(list)
    for sent, took in found:
        slices[min((sent - begin) // (slice_s * 1000), times)].append(took)
    return [slices[number] for number in range(1, times + 1) if slices[number]]
