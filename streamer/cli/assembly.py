"""The worker, put together. Imported when needed: torch and numba take seconds to load."""

import os
import socket
import threading
from contextlib import nullcontext

import structlog

from detectors.bundle import Bundle
from detectors.threads import use_one_thread
from streamer import __version__
from streamer.bundles import open_bundle
from streamer.clock import SystemClock
from streamer.events.record import Record
from streamer.health import Health, HealthServer
from streamer.logs import configure
from streamer.metrics import Metrics, new_registry
from streamer.pipeline import Pipeline
from streamer.recorder import Recorder
from streamer.settings import Settings
from streamer.transport.kafka import KafkaConsumer, KafkaProducer
from streamer.transport.kafka_admin import require_topics
from streamer.worker import Worker

log = structlog.get_logger()


def worker_name() -> str:
    """Name this process for logs and dead letters."""
    return f"{socket.gethostname()}-{os.getpid()}"


def serve_worker(settings: Settings, stopping: threading.Event) -> None:
    """Run the worker with metrics and health until `stopping` is set.

    Raises:
        StreamerError: a part cannot start or cannot go on.
    """
    configure(settings.log)
    use_one_thread()
    clock = SystemClock()
    registry = new_registry()
    metrics = Metrics(registry)
    metrics.budget(settings.alerts.alerts_per_million)
    health = Health(clock, silence_s=settings.kafka.max_poll_interval_s, stall_after_s=settings.worker.stall_after_s)
    server = HealthServer(settings.http.host, settings.http.port, registry, health)
    try:
        log.info("serving metrics and health", url=f"http://{settings.http.host}:{server.port}/metrics")
        bundle = open_bundle(settings.worker.bundle)
        made = bundle.manifest.made
        metrics.bundle(
            bundle_id=made.bundle_id,
            version=made.version,
            sha256=bundle.sha256,
            trained_until=made.trained_until,
        )
        health.bundle_loaded()
        topics = settings.topics
        require_topics(settings.kafka, [topics.transactions, topics.alerts, topics.dead_letters])
        warm_up(settings, bundle)
        pipeline = Pipeline(
            settings, bundle, worker=worker_name(), version=__version__, replay=False, stage=metrics.stage
        )
        recorder = Recorder(settings.worker.record_tensors) if settings.worker.record_tensors else None
        worker = Worker(
            settings,
            consumer=KafkaConsumer(settings.kafka),
            producer=KafkaProducer(settings.kafka),
            pipeline=pipeline,
            metrics=metrics,
            health=health,
            clock=clock,
            recorder=recorder,
        )
        worker.run(stopping)
        log.info("stopped")
    finally:
        server.close()


def warm_up(settings: Settings, bundle: Bundle) -> None:
    """Judge one payment of nobody and forget it.

    What is compiled or loaded at first use would else delay the first payments, with the
    partitions already taken.
    """
    pipeline = Pipeline(
        settings, bundle, worker="warm-up", version=__version__, replay=True, stage=lambda _: nullcontext()
    )
    value = b'{"transaction_id": "t", "user_id": "u", "amount": 1, "timestamp": 1700000000000}'
    outcome = pipeline.process([Record("warm-up", 0, 0, None, value)], now_ms=0)
    bundle.ensemble.explain(outcome[0].advance.windows)


def offline_pipeline(settings: Settings) -> Pipeline:
    """Return a pipeline for replay and evaluation: its alerts are marked as replayed.

    Raises:
        BundleError: there is no usable bundle.
    """
    use_one_thread()
    return Pipeline(
        settings,
        open_bundle(settings.worker.bundle),
        worker=worker_name(),
        version=__version__,
        replay=True,
        stage=lambda _: nullcontext(),
    )
