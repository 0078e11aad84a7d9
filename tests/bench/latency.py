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

from streamer.pipeline import Scored
from tests.bench.timing import Measurement, percentile
from tests.bench.worker_parts import run_worker
from tests.bench.workload import PARTITIONS, WORLD, Workload
from tests.helpers.worker import Topics

_GRACE_S = 60.0
_SHARES = {"p50": 0.5, "p99": 0.99}


class Latencies:
    """Remembers what was committed, with its outputs, and when; milliseconds since the epoch."""

    def __init__(self) -> None:
        self._delivered: list[tuple[float, Sequence[Scored]]] = []

    def delivered(self, parts: Sequence[Scored]) -> None:
        self._delivered.append((time.time() * 1000, parts))

    def to_commit(self) -> Iterator[tuple[int, float]]:
        """Yield when each record was sent and how long it took."""
        for at, parts in self._delivered:
            for record in (record for part in parts for record in part.advance.batch.records):
                yield record.timestamp, at - record.timestamp

    def to_alert(self) -> Iterator[tuple[int, float]]:
        """Yield the same for each alert."""
        for at, parts in self._delivered:
            for part in parts:
                sent = {record.offset: record.timestamp for record in part.advance.batch.records}
                for alert in part.alerts:
                    timestamp = sent[alert.origin.offset]
                    yield timestamp, at - timestamp


def waiting(workload: Workload, bootstrap: str, rate: int, times: int, slice_s: int) -> Iterator[Measurement]:
    """Measure at so many events a second."""
    topics = Topics(bootstrap).create(PARTITIONS)
    total = rate * slice_s * (times + 1)
    latencies, stopping, seen = Latencies(), threading.Event(), 0

    def delivered(parts: Sequence[Scored]) -> None:
        nonlocal seen
        latencies.delivered(parts)
        seen += sum(part.received for part in parts)
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
                delivered=delivered,
                longest_s=longest_s,
            )
        finally:
            producer.kill()
    for what, found in (("commit", latencies.to_commit()), ("alert", latencies.to_alert())):
        slices = _slices(found, min(sent for sent, _ in latencies.to_commit()), slice_s, times)
        for name, share in _SHARES.items():
            values = tuple(percentile(each, share) for each in slices)
            yield Measurement("latency", f"to {what} at {rate:,}/s, {name}", "ms", values)


def _slices(found: Iterator[tuple[int, float]], begin: int, slice_s: int, times: int) -> list[list[float]]:
    """Group latencies by the moment of sending; the first slice and empty ones are left out."""
    slices: defaultdict[int, list[float]] = defaultdict(list)
    for sent, took in found:
        slices[min((sent - begin) // (slice_s * 1000), times)].append(took)
    return [slices[number] for number in range(1, times + 1) if slices[number]]
