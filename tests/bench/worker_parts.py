"""The real worker over Kafka within this process, with an eye on what it commits and alerts."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from streamer.clock import SystemClock
from streamer.delivery import AtLeastOnce, Delivery, ExactlyOnce, Writer
from streamer.errors import TransportError
from streamer.health import Health
from streamer.metrics import STAGES, Metrics, new_registry
from streamer.pipeline import Pipeline, Scored
from streamer.settings import ClientLibrary, KafkaSettings, Settings, TopicSettings
from streamer.transport.clients import clients_of
from streamer.worker import Worker
from tests.bench.workload import Workload
from tests.helpers.worker import Topics

Delivered = Callable[[Sequence[Scored]], None]
"""Told of what was committed, outputs included, just after it."""


class _WatchedDelivery(Delivery):
    def __init__(self, writer: Writer, delivered: Delivered, *, interval_s: float) -> None:
        super().__init__(writer, interval_s=interval_s)
        self._watch = delivered

    def deliver(self, now_s: float) -> Sequence[Scored]:
        return self._tell(super().deliver(now_s))

    def go_on(self, now_s: float) -> Sequence[Scored]:
        return self._tell(super().go_on(now_s))

    def _tell(self, parts: Sequence[Scored]) -> Sequence[Scored]:
        if parts:
            self._watch(parts)
        return parts


def run_worker(
    workload: Workload,
    topics: Topics,
    group_id: str,
    stopping: threading.Event,
    *,
    delivered: Delivered,
    longest_s: float,
    exactly_once: bool = True,
    client: ClientLibrary = "kafka-python",
) -> dict[str, float]:
    """Run a worker in this thread until `stopping` is set.

    Returns:
        The seconds that each stage took.

    Raises:
        TransportError: `stopping` was not set in time.
    """
    kafka = KafkaSettings(bootstrap_servers=topics.bootstrap, group_id=group_id, client=client)
    named = TopicSettings(transactions=topics.transactions, alerts=topics.alerts, dead_letters=topics.dead_letters)
    settings = Settings(kafka=kafka, topics=named)
    clock, registry = SystemClock(), new_registry()
    metrics = Metrics(registry)
    clients = clients_of(kafka)
    consumer = clients.consumer(kafka)
    timeout_s = settings.worker.flush_timeout_s
    writer: Writer
    if exactly_once:
        producer = clients.transactional(kafka, group_id)
        writer = ExactlyOnce(producer, consumer, timeout_s=timeout_s, beside=ThreadPoolExecutor(1))
    else:
        writer = AtLeastOnce(clients.producer(kafka), consumer, timeout_s=timeout_s)
    worker = Worker(
        settings,
        consumer=consumer,
        delivery=_WatchedDelivery(writer, delivered, interval_s=settings.worker.commit_interval_ms / 1000),
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
