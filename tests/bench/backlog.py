"""Reading a backlog from Kafka: the bare clients, our adapters, the whole worker, by turns.

Each starts in a group of its own. The first batch starts the clock and is not counted: joining
the group is no part of the speed.
"""

import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import confluent_kafka
import kafka

from streamer.events.record import Message
from streamer.metrics import STAGES
from streamer.settings import ClientLibrary, KafkaSettings
from streamer.transport.base import Rebalance
from streamer.transport.clients import clients_of
from streamer.uncommitted import Uncommitted
from tests.bench.timing import EVENTS_PER_S, US_PER_EVENT, WALL, Clocks, Measurement
from tests.bench.worker_parts import run_worker
from tests.bench.workload import BATCH, PARTITIONS, Workload
from tests.helpers.worker import Topics

BARE = "bare poll loop"

_POLL_S = 0.2
_HELD_MS = KafkaSettings().fetch_max_wait_ms
"""How long the broker may hold a fetch: for all alike what the worker allows. By the client's default, half a
second, a bare loop that came to the end of one partition often waited that long for records of the others."""
_LONGEST_S = 120.0
_PRODUCED_AT_ONCE = 10_000


class Meter:
    """Measures the rate at which records arrive, from the first batch to the last."""

    def __init__(self, expected: int, now: Callable[[], float]) -> None:
        """Expect so many records, at least one batch more than the first."""
        self.expected = expected
        self._now = now
        self._first = self._seen = 0
        self._begin = self._end = 0.0

    @property
    def done(self) -> bool:
        return self._seen >= self.expected

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


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is read, and by which clocks its reading is timed."""

    topics: Topics
    total: int
    clocks: Clocks

    def meter(self) -> Meter:
        return Meter(self.total, self.clocks.process)


def reading(workload: Workload, bootstrap: str, times: int, clocks: Clocks = WALL) -> list[Measurement]:
    """Produce the records once and read them in each way, again and again.

    Returns:
        The bare clients first, then the adapters and the workers, then the stages of the first worker.
    """
    topics = Topics(bootstrap).create(PARTITIONS)
    total = len(workload.records)
    for start in range(0, total, _PRODUCED_AT_ONCE):
        records = workload.records[start : start + _PRODUCED_AT_ONCE]
        topics.produce([Message(topics.transactions, record.key, record.value) for record in records])
    found = Backlog(topics, total, clocks)
    rates: defaultdict[str, list[float]] = defaultdict(list)
    stages: defaultdict[str, list[float]] = defaultdict(list)
    for number in range(times + 1):
        worker, seconds = _worker(workload, found)
        meters = {
            BARE: _bare(found),
            "bare confluent-kafka poll loop": _bare_confluent(found),
            "adapter's poll loop": _adapter(found, "kafka-python"),
            "adapter's poll loop, confluent": _adapter(found, "confluent"),
            "whole worker, exactly once": worker,
            "whole worker, exactly once, confluent": _worker(workload, found, client="confluent")[0],
            "whole worker, at least once": _worker(workload, found, exactly_once=False)[0],
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


def _bare(found: Backlog) -> Meter:
    consumer = kafka.KafkaConsumer(
        bootstrap_servers=found.topics.bootstrap,
        group_id=uuid.uuid4().hex,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=_HELD_MS,
    )
    try:
        _subscribe(consumer, found.topics.transactions)
        return _until_done(
            found.meter(),
            lambda: sum(map(len, consumer.poll(timeout_ms=int(_POLL_S * 1000), max_records=BATCH).values())),
        )
    finally:
        consumer.close(autocommit=False)


def _subscribe(consumer: kafka.KafkaConsumer, topic: str) -> None:
    """Join once the topic is known: who shares out partitions before gets none, and reads nothing for minutes."""
    give_up = time.monotonic() + _LONGEST_S
    while not consumer.partitions_for_topic(topic):
        if time.monotonic() > give_up:
            raise TimeoutError(f"nothing was told of topic {topic!r} within {_LONGEST_S:g} s: is the machine busy?")
    consumer.subscribe([topic])


def _bare_confluent(found: Backlog) -> Meter:
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": found.topics.bootstrap,
            "group.id": uuid.uuid4().hex,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": _HELD_MS,
        }
    )
    try:
        consumer.subscribe([found.topics.transactions])
        return _until_done(found.meter(), lambda: len(consumer.consume(BATCH, _POLL_S)))
    finally:
        consumer.close()


def _adapter(found: Backlog, client: ClientLibrary) -> Meter:
    settings = KafkaSettings(bootstrap_servers=found.topics.bootstrap, group_id=uuid.uuid4().hex, client=client)
    consumer = clients_of(settings).consumer(settings)
    try:
        consumer.subscribe([found.topics.transactions], Rebalance(_ignore, _ignore, _ignore))
        return _until_done(found.meter(), lambda: len(consumer.poll(timeout_s=_POLL_S, max_records=BATCH)))
    finally:
        consumer.close()


def _worker(
    workload: Workload,
    found: Backlog,
    *,
    exactly_once: bool = True,
    client: ClientLibrary = "kafka-python",
) -> tuple[Meter, dict[str, float]]:
    meter, stopping = found.meter(), threading.Event()

    def delivered(parts: Sequence[Uncommitted]) -> None:
        meter.add(sum(part.received for part in parts))
        if meter.done:
            stopping.set()

    seconds = run_worker(
        workload,
        found.topics,
        uuid.uuid4().hex,
        stopping,
        delivered=delivered,
        longest_s=_LONGEST_S,
        exactly_once=exactly_once,
        now=found.clocks.loop,
        client=client,
    )
    return meter, seconds


def _until_done(meter: Meter, poll: Callable[[], int]) -> Meter:
    give_up = time.monotonic() + _LONGEST_S
    while not meter.done:
        meter.add(poll())
        if time.monotonic() > give_up:
            raise TimeoutError(f"{meter.expected} records were not read within {_LONGEST_S:g} s: is the machine busy?")
    return meter


def _ignore(_: object) -> None:
    """Rebalancing of a group of one tells nothing."""
