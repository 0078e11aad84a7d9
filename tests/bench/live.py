"""The worker under a steady load: who sent what when, and when it was committed and could be read."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from streamer.events.record import Record, TopicPartition
from streamer.pipeline import Scored
from streamer.settings import AlertSettings
from streamer.uncommitted import Uncommitted
from tests.bench import feeder, reader
from tests.bench.worker_parts import run_worker
from tests.bench.workload import PARTITIONS, Workload
from tests.helpers.worker import Topics

_GRACE_S = 60.0
_SETTLE_S = 0.5


@dataclass(frozen=True, slots=True)
class Load:
    """A steady load, cut into slices of which each is one repetition; the first is discarded.

    Attributes:
        records: what is sent, in order.
        rate: events a second.
        slices: how many count.
    """

    records: Sequence[Record]
    rate: float
    slices: int

    @classmethod
    def of(cls, records: Sequence[Record], rate: float, slices: int, slice_s: float) -> "Load":
        """Take as many records as the slices need, or all: then slices are shorter."""
        return cls(records[: int(rate * slice_s * (slices + 1))], rate, slices)

    @property
    def seconds(self) -> float:
        return len(self.records) / self.rate

    @property
    def slice_ms(self) -> float:
        return self.seconds * 1_000 / (self.slices + 1)


@dataclass(frozen=True, slots=True)
class Passage:
    """One record's way; milliseconds since the epoch.

    Attributes:
        record: as it was read.
        committed: when it was committed, with its outputs.
        readable: when a subscriber had its alert; None if it has none.
    """

    record: Record
    committed: float
    readable: float | None

    @property
    def to_commit(self) -> float:
        return self.committed - self.record.timestamp

    @property
    def to_readable(self) -> float:
        if self.readable is None:
            raise ValueError("there was no alert")
        return self.readable - self.record.timestamp


def run(
    workload: Workload, bootstrap: str, load: Load, folder: Path, alerts: AlertSettings | None = None
) -> list[Passage]:
    """Let a worker judge what another process sends and a third one reads.

    Args:
        workload: whose bundle judges.
        bootstrap: the broker.
        load: what is sent.
        folder: for what the processes hand over.
        alerts: which alerts are raised; None is the default.
    """
    topics = Topics(bootstrap).create(PARTITIONS)
    waiting: dict[tuple[TopicPartition, int], Sequence[Record]] = {}
    delivered: list[tuple[float, Sequence[Record]]] = []
    stopping, seen = threading.Event(), 0

    def note(parts: Sequence[Scored]) -> None:
        waiting.update({(part.source, part.next_offset): part.advance.batch.records for part in parts})

    def note_committed(parts: Sequence[Uncommitted]) -> None:
        nonlocal seen
        at = time.time() * 1_000
        delivered.extend((at, waiting.pop((part.source, part.next_offset))) for part in parts)
        seen += sum(part.received for part in parts)
        if seen >= len(load.records):
            stopping.set()

    read = folder / f"{topics.name}.read"
    with (
        reader.reading(bootstrap, topics.alerts, read),
        feeder.feeding(load.records, bootstrap, topics.transactions, load.rate, folder / f"{topics.name}.fed"),
    ):
        longest_s = load.seconds + _GRACE_S
        group_id = f"group-{topics.name}"
        run_worker(
            workload,
            topics,
            group_id,
            stopping,
            delivered=note_committed,
            judged=note,
            longest_s=longest_s,
            alerts=alerts,
        )
        time.sleep(_SETTLE_S)
    found = reader.readable(read)
    return [
        Passage(record, at, found.get((record.partition, record.offset)))
        for at, records in delivered
        for record in records
    ]


def sliced(passages: Sequence[Passage], load: Load, value: Callable[[Passage], float]) -> list[list[float]]:
    """Group values by the moment of sending; the first slice and empty ones are left out."""
    begin = min(passage.record.timestamp for passage in passages)
    slices: defaultdict[int, list[float]] = defaultdict(list)
    for passage in passages:
        number = int((passage.record.timestamp - begin) // load.slice_ms)
        slices[min(number, load.slices)].append(value(passage))
    return [slices[number] for number in range(1, load.slices + 1) if slices[number]]
