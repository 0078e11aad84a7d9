"""Workers in this process over the in-memory broker, that may be born and killed at will."""

import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from detectors.bundle import Bundle
from streamer.clock import ManualClock
from streamer.delivery import Delivery, ExactlyOnce
from streamer.errors import FencedError
from streamer.events.record import Record, TopicPartition
from streamer.health import Health
from streamer.metrics import Metrics, new_registry
from streamer.pipeline import Pipeline
from streamer.refresh import BundleWatch
from streamer.settings import Settings, load
from streamer.snapshots import Snapshots
from streamer.transport.memory import MemoryBroker, MemoryTransactionalProducer
from streamer.worker import Worker
from tests.helpers.executors import Deferred

NOW_MS = 1_900_000_000_000


class Life:
    """One worker of a group."""

    def __init__(
        self,
        broker: MemoryBroker,
        settings: Settings,
        bundle: Bundle,
        clock: ManualClock,
        name: str,
        *,
        looks: int = 0,
        bundles: BundleWatch | None = None,
    ) -> None:
        """Join the group; a transaction ends when it was looked at so many times."""
        self.registry = new_registry()
        self.health = Health(clock, silence_s=1e9, stall_after_s=1e9)
        metrics = Metrics(self.registry)
        self.health.bundle_loaded()
        self._consumer = broker.consumer(settings.kafka.group_id, auto_offset_reset=settings.kafka.auto_offset_reset)
        self._snapshots = Snapshots(settings, metrics=metrics, clock=clock) if settings.snapshots.url else None
        self._worker = Worker(
            settings,
            consumer=self._consumer,
            delivery=Delivery(
                ExactlyOnce(
                    MemoryTransactionalProducer(broker, name), self._consumer, timeout_s=1, beside=Deferred(looks)
                ),
                interval_s=settings.worker.commit_interval_ms / 1000,
                backlog_interval_s=settings.worker.backlog_interval_ms / 1000,
            ),
            pipeline=Pipeline(settings, bundle, worker=name, version="0", replay=False, stage=metrics.stage),
            metrics=metrics,
            health=self.health,
            clock=clock,
            snapshots=self._snapshots,
            bundles=bundles,
        )
        self._worker.join()

    def turn(self) -> bool:
        """Do one round; False if the worker was fenced and is of no more use."""
        try:
            self._worker.turn(threading.Event())
        except FencedError:
            self.die()
            return False
        return True

    def value(self, name: str, **labels: str) -> float | None:
        """Return one sample of the worker's metrics."""
        return self.registry.get_sample_value(name, labels)

    def die(self) -> None:
        """End without a word: nothing in hand is committed or kept; the group notices."""
        self._consumer.expel()
        if self._snapshots is not None:
            self._snapshots.close()

    def run(self) -> None:
        """Work until it cannot go on."""
        self._worker.run(threading.Event())

    def lose_membership(self) -> None:
        """Be expelled, and learn of it at the next turn."""
        self._consumer.expel()

    def stop(self) -> None:
        """End in order."""
        stopping = threading.Event()
        stopping.set()
        with suppress(FencedError):
            self._worker.run(stopping)


def settings_for(folder: Path | None, changes: Mapping[str, str]) -> Settings:
    """Return settings that keep the loop of a test quick."""
    chosen = {"worker.poll_timeout_s": "0.001", "topics.scores": "scores", "snapshots.interval_s": "1"}
    if folder is not None:
        chosen["snapshots.url"] = str(folder)
    return load(None, {**chosen, **changes})


def offsets_committed(broker: MemoryBroker, settings: Settings, places: list[TopicPartition]) -> int:
    """Count the records of an input that its group has committed."""
    consumer = broker.consumer(settings.kafka.group_id)
    return sum(consumer.committed(places).values())


def outputs(broker: MemoryBroker, settings: Settings) -> dict[str, list[Record]]:
    """Return everything written to the output topics, by topic."""
    topics = settings.topics
    names = [topics.alerts, topics.dead_letters, *([topics.scores] if topics.scores else [])]
    return {name: broker.records(name) for name in names}
