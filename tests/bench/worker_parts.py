"""The real worker over Kafka within this process, with an eye on what it commits and alerts."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from streamer.clock import SystemClock
from streamer.delivery import AtLeastOnce, Delivery, ExactlyOnce, Writer
from streamer.errors import TransportError
from streamer.health import Health
from streamer.memory import spare_what_is_loaded
from streamer.metrics import STAGES, Metrics, new_registry
from streamer.pipeline import Pipeline, Scored
from streamer.settings import AlertSettings, ClientLibrary, KafkaSettings, Settings, TopicSettings
from streamer.transport.clients import clients_of
from streamer.uncommitted import Uncommitted
from streamer.worker import Worker
from tests.bench.workload import Workload
from tests.helpers.worker import Topics

Judged = Callable[[Sequence[Scored]], None]
"""Told of what was judged, in the order of judging."""

Delivered = Callable[[Sequence[Uncommitted]], None]
"""Told of what was committed, outputs included, just after it."""


class _WatchedDelivery(Delivery):
    def __init__(
        self, writer: Writer, judged: Judged, delivered: Delivered, *, interval_s: float, backlog_interval_s: float
    ) -> None:
        super().__init__(writer, interval_s=interval_s, backlog_interval_s=backlog_interval_s)
        self._judged = judged
        self._watch = delivered

    def add(self, parts: Iterable[Scored]) -> None:
        seen = list(parts)
        self._judged(seen)
        super().add(seen)

    def deliver(self, now_s: float) -> Sequence[Uncommitted]:
        return self._tell(super().deliver(now_s))

    def go_on(self, now_s: float) -> Sequence[Uncommitted]:
        return self._tell(super().go_on(now_s))

    def _tell(self, parts: Sequence[Uncommitted]) -> Sequence[Uncommitted]:
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
    judged: Judged = lambda _: None,
    longest_s: float,
    exactly_once: bool = True,
    client: ClientLibrary = "kafka-python",
    alerts: AlertSettings | None = None,
    now: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Run a worker in this thread until `stopping` is set.

    Returns:
        The seconds that each stage took, as `now` tells them.

    Raises:
        TransportError: `stopping` was not set in time.
    """
    kafka = KafkaSettings(bootstrap_servers=topics.bootstrap, group_id=group_id, client=client)
    named = TopicSettings(transactions=topics.transactions, alerts=topics.alerts, dead_letters=topics.dead_letters)
    settings = Settings(kafka=kafka, topics=named, alerts=alerts or AlertSettings())
    clock, registry = SystemClock(), new_registry()
    metrics = Metrics(registry, now)
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
        delivery=_WatchedDelivery(
            writer,
            judged,
            delivered,
            interval_s=settings.worker.commit_interval_ms / 1000,
            backlog_interval_s=settings.worker.backlog_interval_ms / 1000,
        ),
        pipeline=Pipeline(settings, workload.bundle, worker="bench", version="0", replay=False, stage=metrics.stage),
        metrics=metrics,
        health=Health(clock, silence_s=longest_s, stall_after_s=longest_s),
        clock=clock,
    )
    late = threading.Event()

    def give_up() -> None:
        late.set()
        stopping.set()

    spare_what_is_loaded()
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
