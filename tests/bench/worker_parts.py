"""The real worker over Kafka within this process, with an eye on what it commits and alerts."""

import threading
from collections.abc import Callable, Mapping, Sequence

from streamer.clock import SystemClock
from streamer.errors import TransportError
from streamer.events.record import Message, Record, TopicPartition
from streamer.health import Health
from streamer.metrics import STAGES, Metrics, new_registry
from streamer.pipeline import Pipeline
from streamer.settings import KafkaSettings, Settings, TopicSettings
from streamer.transport.kafka import KafkaConsumer, KafkaProducer
from streamer.worker import Worker
from tests.bench.workload import Workload
from tests.helpers.worker import Topics

Committed = Callable[[Sequence[Record]], None]
"""Told of the records of each commit, just after it."""

Flushed = Callable[[Sequence[Message]], None]
"""Told of the messages of each flush, just after they were acknowledged."""


class _WatchedConsumer(KafkaConsumer):
    def __init__(self, settings: KafkaSettings, committed: Committed) -> None:
        super().__init__(settings)
        self._committed = committed
        self._polled: list[Record] = []

    def poll(self, *, timeout_s: float, max_records: int) -> list[Record]:
        self._polled = super().poll(timeout_s=timeout_s, max_records=max_records)
        return self._polled

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        super().commit(offsets)
        self._committed(self._polled)


class _WatchedProducer(KafkaProducer):
    def __init__(self, settings: KafkaSettings, flushed: Flushed) -> None:
        super().__init__(settings)
        self._flushed = flushed
        self._sent: list[Message] = []

    def send(self, message: Message) -> None:
        super().send(message)
        self._sent.append(message)

    def flush(self, *, timeout_s: float) -> None:
        super().flush(timeout_s=timeout_s)
        sent, self._sent = self._sent, []
        self._flushed(sent)


def run_worker(
    workload: Workload,
    topics: Topics,
    group_id: str,
    stopping: threading.Event,
    *,
    committed: Committed,
    flushed: Flushed = lambda _: None,
    longest_s: float,
) -> dict[str, float]:
    """Run a worker in this thread until `stopping` is set.

    Returns:
        The seconds that each stage took.

    Raises:
        TransportError: `stopping` was not set in time.
    """
    kafka = KafkaSettings(bootstrap_servers=topics.bootstrap, group_id=group_id)
    named = TopicSettings(transactions=topics.transactions, alerts=topics.alerts, dead_letters=topics.dead_letters)
    settings = Settings(kafka=kafka, topics=named)
    clock, registry = SystemClock(), new_registry()
    metrics = Metrics(registry)
    worker = Worker(
        settings,
        consumer=_WatchedConsumer(kafka, committed),
        producer=_WatchedProducer(kafka, flushed),
        pipeline=Pipeline(settings, workload.bundle, worker="bench", version="0", replay=False, stage=metrics.stage),
        metrics=metrics,
        health=Health(clock, silence_s=longest_s, stall_after_s=longest_s),
        clock=clock,
    )
    late = threading.Event()

    def give_up() -> None:
        late.set()
        stopping.set()

    timer = threading.Timer(longest_s, give_up)
    timer.start()
    try:
        worker.run(stopping)
    finally:
        timer.cancel()
    if late.is_set():
        raise TransportError(f"the worker was not done within {longest_s:g} s: is the machine busy?")
    seconds = {stage: registry.get_sample_value("streamer_stage_seconds_sum", {"stage": stage}) for stage in STAGES}
    return {stage: spent or 0.0 for stage, spent in seconds.items()}
