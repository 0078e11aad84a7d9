"""One user makes half of the traffic: what the others notice."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from streamer.events.record import Record
from streamer.events.transaction import Transaction
from tests.bench import live
from tests.bench.live import Load, sliced
from tests.bench.timing import Measurement, percentile
from tests.bench.workload import Workload

BUSY = "busy"


def waiting(workload: Workload, bootstrap: str, load: Load, folder: Path) -> list[Measurement]:
    """Measure how long the others wait, and how much fuller than others the busy user's partition is."""
    uneven = replace(load, records=skewed(load.records))
    passages = live.run(workload, bootstrap, uneven, folder)
    named = f"at {load.rate:,.0f}/s"
    rows = []
    for who, is_busy in (("the busy user", True), ("the others", False)):
        chosen = [passage for passage in passages if (passage.record.key == BUSY.encode()) is is_busy]
        slices = sliced(chosen, uneven, lambda passage: passage.to_commit)
        values = tuple(percentile(each, 0.99) for each in slices)
        rows.append(Measurement("one user makes half", f"{who} {named}, to commit, p99", "ms", values))
    places = Counter(passage.record.partition for passage in passages)
    fullest = 100 * max(places.values()) / len(passages)
    return [*rows, Measurement("one user makes half", "fullest of 4 partitions", "% of events", (fullest,))]


def skewed(records: Sequence[Record]) -> list[Record]:
    """Let every second payment be one user's."""
    return [_by_the_busy_one(record) if number % 2 else record for number, record in enumerate(records)]


def _by_the_busy_one(record: Record) -> Record:
    transaction = msgspec.json.decode(record.value or b"", type=Transaction)
    value = msgspec.json.encode(msgspec.structs.replace(transaction, user_id=BUSY))
    return Record(record.topic, record.partition, record.offset, BUSY.encode(), value, timestamp=record.timestamp)
