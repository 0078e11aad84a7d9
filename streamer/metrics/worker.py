"""All that a worker counts, in one object."""

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Info
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

from streamer import __version__
from streamer.events.record import TopicPartition
from streamer.metrics.partitions import PartitionGauges
from streamer.metrics.speed import SpeedMetrics
from streamer.metrics.state import StateMetrics
from streamer.metrics.traffic import TrafficMetrics


def new_registry() -> CollectorRegistry:
    """Make a registry with the process's own figures: CPU, memory, files, garbage collection."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class Metrics(TrafficMetrics, SpeedMetrics, StateMetrics):
    """What the worker counts and times; used from the loop's thread, scraped from any other."""

    def __init__(
        self,
        registry: CollectorRegistry,
        now: Callable[[], float] = time.perf_counter,
        worked: Callable[[], float] = time.process_time,
    ) -> None:
        """Declare everything.

        Args:
            registry: where all of it is collected.
            now: seconds on a scale that never goes back; times the stages.
            worked: seconds that this process had a processor; tells idleness from work.
        """
        self._gauges = PartitionGauges(registry)
        TrafficMetrics.__init__(self, registry, self._gauges)
        SpeedMetrics.__init__(self, registry, now, worked)
        StateMetrics.__init__(self, registry, self._gauges)
        self._restarts = Counter("streamer_restarts", "Starts anew after another process took over.", registry=registry)
        # Identity: the value is always 1. A gauge, so that no series exists before there is a bundle.
        self._bundle = Gauge(
            "streamer_bundle_info", "The loaded model bundle.", ["bundle_id", "version", "sha256"], registry=registry
        )
        self._trained_until = Gauge(
            "streamer_bundle_trained_until_timestamp_seconds",
            "Newest event time the bundle was trained on; 0 without a bundle.",
            registry=registry,
        )
        self._bundle_refused = Gauge(
            "streamer_bundle_refused",
            "1 while the bundle that was put in use cannot be used and the one before judges on.",
            registry=registry,
        )
        Info("streamer_build", "This program.", registry=registry).info({"version": __version__})

    def bundle(self, *, bundle_id: str, version: str, sha256: str, trained_until: int) -> None:
        """Say which bundle is loaded; `trained_until` in milliseconds since the epoch."""
        self._bundle.clear()
        self._bundle.labels(bundle_id, version, sha256).set(1)
        self._trained_until.set(trained_until / 1000)

    def bundle_refused(self, cause: str | None) -> None:
        """Say whether there is a cause why the bundle that was put in use cannot be used."""
        self._bundle_refused.set(cause is not None)

    def restarted(self) -> None:
        """Count a start anew within the process, after another one took over."""
        self._restarts.inc()

    def forget(self, source: TopicPartition) -> None:
        """Remove the gauges of a partition that went elsewhere.

        Its counters stay: they are as many as there are partitions, and removing one would
        lose what it counted since the last scrape.
        """
        self._gauges.forget(source)
