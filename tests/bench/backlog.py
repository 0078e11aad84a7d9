"""Reading a backlog from Kafka: the bare clients, our adapters, the whole worker, by turns.

Each starts in a group of its own. The first batch starts the clock and is not counted: joining
the group is no part of the speed.
"""

import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence

import confluent_kafka
import kafka

from streamer.events.record import Message
from streamer.metrics import STAGES
from streamer.pipeline import Scored
from streamer.settings import ClientLibrary, KafkaSettings
from streamer.transport.base import Rebalance
from streamer.transport.clients import clients_of
from tests.bench.timing import EVENTS_PER_S, US_PER_EVENT, Measurement
from tests.bench.worker_parts import run_worker
from tests.bench.workload import BATCH, PARTITIONS, Workload
from tests.helpers.worker import Topics

BARE = "bare poll loop"

_POLL_S = 0.2
_LONGEST_S = 120.0
_PRODUCED_AT_ONCE = 10_000


class Meter:
    """Measures the rate at which records arrive, from the first batch to the last."""

    def __init__(self, expected: int, now: Callable[[], float] = time.perf_counter) -> None:
        """Expect so many records, at least one batch more than the first."""
        self._expected = expected
        self._now = now
        self._first = self._seen = 0
        self._begin = self._end = 0.0

    @property
    def done(self) -> bool:
        return self._seen >= self._expected

    @property
    def seconds(self) -> float:
        """From the first batch to the last."""
        return self._end - self._begin

    @property
    def counted(self) -> int:
        """Records after the first batch."""
        return self._seen - self._first

    def add(self, count: int) -> None:
        if count == 0:
            return
        self._end = self._now()
        if self._seen == 0:
            self._begin, self._first = self._end, count
        self._seen += count


def reading(workload: Workload, bootstrap: str, times: int) -> list[Measurement]:
    """Produce the records once and read them in each way, again and again.

    Returns:
        The bare clients first, then the adapters and the workers, then the stages of the first worker.
    """
    topics = Topics(bootstrap).create(PARTITIONS)
    total = len(workload.records)
    for start in range(0, total, _PRODUCED_AT_ONCE):
        records = workload.records[start : start + _PRODUCED_AT_ONCE]
        topics.produce([Message(topics.transactions, record.key, record.value) for record in records])
    rates: defaultdict[str, list[float]] = defaultdict(list)
    stages: defaultdict[str, list[float]] = defaultdict(list)
    for number in range(times + 1):
        worker, seconds = _worker(workload, topics, total)
        meters = {
            BARE: _bare(topics, total),
            "bare confluent-kafka poll loop": _bare_confluent(topics, total),
            "adapter's poll loop": _adapter(topics, total, "kafka-python"),
            "adapter's poll loop, confluent": _adapter(topics, total, "confluent"),
            "whole worker, exactly once": worker,
            "whole worker, exactly once, confluent": _worker(workload, topics, total, client="confluent")[0],
            "whole worker, at least once": _worker(workload, topics, total, exactly_once=False)[0],
        }
        if number == 0:
            continue  # it loaded the broker's caches and compiled the kernel
        for name, meter in meters.items():
            rates[name].append(meter.counted / meter.seconds)
        for stage in STAGES:
            stages[stage].append(seconds[stage] / total * 1e6)
    read = [Measurement("backlog", name, EVENTS_PER_S, tuple(values)) for name, values in rates.items()]
    return read + [
        Measurement("the worker's turn", name, US_PER_EVENT, tuple(values)) for name, values in stages.items()
    ]


def _bare(topics: Topics, total: int) -> Meter:
    consumer = kafka.KafkaConsumer(
        topics.transactions,
        bootstrap_servers=topics.bootstrap,
        group_id=uuid.uuid4().hex,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    try:
        return _until_done(
            total,
            lambda: sum(map(len, consumer.poll(timeout_ms=int(_POLL_S * 1000), max_records=BATCH).values())),
        )
    finally:
        consumer.close(autocommit=False)


def _bare_confluent(topics: Topics, total: int) -> Meter:
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": topics.bootstrap,
            "group.id": uuid.uuid4().hex,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    try:
        consumer.subscribe([topics.transactions])
        return _until_done(total, lambda: len(consumer.consume(BATCH, _POLL_S)))
    finally:
        consumer.close()


def _adapter(topics: Topics, total: int, client: ClientLibrary) -> Meter:
    settings = KafkaSettings(bootstrap_servers=topics.bootstrap, group_id=uuid.uuid4().hex, client=client)
    consumer = clients_of(settings).consumer(settings)
    try:
        consumer.subscribe([topics.transactions], Rebalance(_ignore, _ignore, _ignore))
        return _until_done(total, lambda: len(consumer.poll(timeout_s=_POLL_S, max_records=BATCH)))
    finally:
        consumer.close()


def _worker(
    workload: Workload,
    topics: Topics,
    total: int,
    *,
    exactly_once: bool = True,
    client: ClientLibrary = "kafka-python",
) -> tuple[Meter, dict[str, float]]:
    meter, stopping = Meter(total), threading.Event()

    def delivered(parts: Sequence[Scored]) -> None:
        meter.add(sum(part.received for part in parts))
        if meter.done:
            stopping.set()

    seconds = run_worker(
        workload,
        topics,
        uuid.uuid4().hex,
        stopping,
        delivered=delivered,
        longest_s=_LONGEST_S,
        exactly_once=exactly_once,
        client=client,
    )
    return meter, seconds


def _until_done(total: int, poll: Callable[[], int]) -> Meter:
    meter, give_up = Meter(total), time.monotonic() + _LONGEST_S
    while not meter.done:
        meter.add(poll())
        if time.monotonic() > give_up:
            raise TimeoutError(f"{total} records were not read within {_LONGEST_S:g} s: is the machine busy?")
    return meter


def _ignore(_: object) -> None:
    """Rebalancing of a group of one tells nothing."""
