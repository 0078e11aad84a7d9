"""The worker, put together. Imported when needed: torch and numba take seconds to load."""

import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, nullcontext
from functools import partial
from pathlib import Path

import structlog
from rich.console import Console

from detectors.bundle import Bundle
from detectors.threads import use_one_thread
from streamer import __version__
from streamer.bundles import open_bundle
from streamer.clock import Clock, SystemClock
from streamer.delivery import AtLeastOnce, Delivery, ExactlyOnce, Writer
from streamer.errors import SettingsError, SnapshotError, StreamerError
from streamer.events.mapping import FieldMapping
from streamer.events.mapping_file import open_mapping
from streamer.events.record import Record
from streamer.health import Health, HealthServer
from streamer.logs import configure
from streamer.memory import keep_freed_memory, spare_what_is_loaded
from streamer.metrics import Metrics, new_registry
from streamer.pipeline import Pipeline
from streamer.profile import profiled
from streamer.recorder import Recorder
from streamer.refresh import BundleWatch
from streamer.settings import Settings
from streamer.snapshots import Snapshots
from streamer.supervisor import supervise
from streamer.transport.base import Consumer
from streamer.transport.clients import Clients, clients_of
from streamer.transport.kafka_admin import require_topics
from streamer.witness import contributions_of
from streamer.worker import Worker

log = structlog.get_logger()


def worker_name() -> str:
    """Name this process for logs and dead letters."""
    return f"{socket.gethostname()}-{os.getpid()}"


def serve_worker(settings: Settings, stopping: threading.Event, *, profile: bool = False) -> None:
    """Run the worker with metrics and health until `stopping` is set.

    Args:
        settings: all settings.
        stopping: ends the work.
        profile: whether to tell where the time goes.

    Raises:
        StreamerError: a part cannot start or cannot go on.
    """
    configure(settings.log)
    use_one_thread()
    keep_freed_memory()
    clock = SystemClock()
    registry = new_registry()
    metrics = Metrics(registry)
    metrics.budget(settings.alerts.alerts_per_million)
    health = Health(clock, silence_s=settings.kafka.max_poll_interval_s, stall_after_s=settings.worker.stall_after_s)
    server = HealthServer(settings.http.host, settings.http.port, registry, health)
    try:
        log.info("serving metrics and health", url=f"http://{settings.http.host}:{server.port}/metrics")
        bundle = open_bundle(settings.worker.bundle, settings.worker.backend)
        mapping = open_mapping(settings.events.mapping)
        tell_bundle(metrics, bundle)
        health.bundle_loaded()
        require_topics(settings.kafka, settings.topics.names)
        warn_of_passing_names(settings)
        warm_up(settings, bundle)
        spare_what_is_loaded()
        bundles = BundleWatch(
            settings.worker.bundle or Path(),
            bundle,
            backend=settings.worker.backend,
            every_s=settings.worker.bundle_check_s,
            warm_up=partial(warm_up, settings),
            taken_over=partial(tell_bundle, metrics),
            refused=metrics.bundle_refused,
        )
        with profiled(metrics.times, Console(stderr=True).print) if profile else nullcontext():
            supervise(
                lambda: build_worker(
                    settings, bundles, mapping, metrics=metrics, health=health, clock=clock, port=server.port
                ),
                stopping,
                clock=clock,
                health=health,
                metrics=metrics,
            )
        log.info("stopped")
    finally:
        server.close()


def build_worker(
    settings: Settings,
    bundles: BundleWatch,
    mapping: FieldMapping | None,
    *,
    metrics: Metrics,
    health: Health,
    clock: Clock,
    port: int,
) -> Worker:
    """Connect a worker that holds nothing yet.

    Args:
        settings: all settings.
        bundles: what it judges by.
        mapping: of records that are no canonical transactions.
        metrics: what it counts.
        health: whom it reports to.
        clock: gives all times.
        port: of this process's metrics; tells workers of one machine apart.

    Raises:
        TransportError: the brokers cannot be used.
        SettingsError: the place of snapshots is none.
        EnvironmentFault: the client library is not installed.
    """
    clients = clients_of(settings.kafka)
    with ExitStack() as opened:
        consumer = opened.enter_context(closing(clients.consumer(settings.kafka)))
        writer = _writer(settings, clients, consumer, port)
        delivery = Delivery(
            writer,
            interval_s=settings.worker.commit_interval_ms / 1000,
            backlog_interval_s=settings.worker.backlog_interval_ms / 1000,
        )
        opened.callback(delivery.close)
        snapshots = None
        if settings.snapshots.url is not None:
            snapshots = opened.enter_context(closing(_snapshots(settings, metrics, clock)))
        pipeline = Pipeline(
            settings,
            bundles.bundle,
            worker=worker_name(),
            version=__version__,
            replay=False,
            stage=metrics.stage,
            mapping=mapping,
        )
        worker = Worker(
            settings,
            consumer=consumer,
            delivery=delivery,
            pipeline=pipeline,
            metrics=metrics,
            health=health,
            clock=clock,
            snapshots=snapshots,
            recorder=Recorder(settings.worker.record_tensors) if settings.worker.record_tensors else None,
            bundles=bundles,
        )
        opened.pop_all()
    return worker


def _writer(settings: Settings, clients: Clients, consumer: Consumer, port: int) -> Writer:
    timeout_s = settings.worker.flush_timeout_s
    if settings.worker.delivery == "at_least_once":
        return AtLeastOnce(clients.producer(settings.kafka), consumer, timeout_s=timeout_s)
    producer = clients.transactional(settings.kafka, transactional_id(settings, port))
    try:
        return ExactlyOnce(producer, consumer, timeout_s=timeout_s, beside=ThreadPoolExecutor(1, "transactions"))
    except StreamerError:
        producer.close()
        raise


def _snapshots(settings: Settings, metrics: Metrics, clock: Clock) -> Snapshots:
    try:
        return Snapshots(settings, metrics=metrics, clock=clock)
    except SnapshotError as error:
        raise SettingsError(f"snapshots.url: {error}") from error


def warn_of_passing_names(settings: Settings) -> None:
    """Say so if the transactional id will be another one after a restart."""
    kafka = settings.kafka
    is_named = kafka.transactional_id or kafka.group_instance_id or settings.http.port
    if settings.worker.delivery == "exactly_once" and not is_named:
        log.warning(
            "after a crash the next worker waits for the open transaction to time out",
            cause="the metrics port is chosen at each start, and names the transactions",
            remedy="set http.port, kafka.group_instance_id or kafka.transactional_id",
        )


def transactional_id(settings: Settings, port: int) -> str:
    """Name this worker's transactions: the same after a restart, and of no other worker of the group.

    With a stable name, a restarted worker ends at once what its predecessor left open. A port that
    was chosen by the system changes with each start; then the broker's timeout ends it.
    """
    kafka = settings.kafka
    worker = kafka.group_instance_id or f"{socket.gethostname()}-{port}"
    return kafka.transactional_id or f"{kafka.group_id}-{worker}"


def tell_bundle(metrics: Metrics, bundle: Bundle) -> None:
    """Say by metrics which bundle judges."""
    made = bundle.manifest.made
    metrics.bundle(
        bundle_id=made.bundle_id, version=made.version, sha256=bundle.sha256, trained_until=made.trained_until
    )


def warm_up(settings: Settings, bundle: Bundle) -> None:
    """Judge a full batch of nobody's payments and forget it.

    What is compiled or loaded at first use would else delay the first payments, with the
    partitions already taken; and memory of the size that a batch takes stays with the process
    once it was given back, instead of being asked for again with every batch.
    """
    pipeline = Pipeline(
        settings, bundle, worker="warm-up", version=__version__, replay=True, stage=lambda _: nullcontext()
    )
    outcome = pipeline.process(nobodys_payments(settings.worker.max_poll_records), now_ms=0)
    windows = outcome[0].advance.windows
    contributions_of(lambda rows: bundle.ensemble.explain(windows.rows(rows)), range(1))


def nobodys_payments(count: int) -> list[Record]:
    """Return records of payments that were never made, all of them sound."""
    value = b'{"transaction_id": "%d", "user_id": "u", "amount": 1, "timestamp": 1700000000000}'
    return [Record("warm-up", 0, number, None, value % number) for number in range(count)]


def offline_pipeline(settings: Settings) -> Pipeline:
    """Return a pipeline for replay and evaluation: its alerts are marked as replayed.

    Raises:
        BundleError: there is no usable bundle.
        SettingsError: the mapping of fields cannot be used.
    """
    use_one_thread()
    keep_freed_memory()
    return Pipeline(
        settings,
        open_bundle(settings.worker.bundle, settings.worker.backend),
        worker=worker_name(),
        version=__version__,
        replay=True,
        stage=lambda _: nullcontext(),
        mapping=open_mapping(settings.events.mapping),
    )
