"""Every metric of the worker, declared in one place.

Names end in base units. Labels have few values: stages, reasons, levels and input partitions;
never a user, a merchant or a transaction. Gauges of a partition go when the partition does.
Readiness is no count: `Health` tells it at each scrape (`streamer_ready`, `streamer_stalled`).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

from streamer import __version__
from streamer.array_histogram import ArrayHistogram
from streamer.errors import RejectReason
from streamer.events.record import TopicPartition

STAGES = ("poll", "decode", "state", "score", "alert", "deliver", "snapshot", "restore")
LEVELS = ("elevated", "high", "critical")
REBALANCES = ("assigned", "revoked", "lost")
RESTORES = ("snapshot", "snapshot_with_gap", "look_back", "empty")
EVICTIONS = ("user", "merchant")
SNAPSHOTS = ("written", "kept", "failed", "abandoned")

_PARTITION = ("topic", "partition")
_STAGE_BOUNDS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 30.0)
_LATENCY_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0)
_SNAPSHOT_BOUNDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 120.0)
_BATCH_BOUNDS = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000)
_RARITY_BOUNDS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0)


def new_registry() -> CollectorRegistry:
    """Make a registry with the process's own figures: CPU, memory, files, garbage collection."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class Metrics:
    """What the worker counts and times; used from the loop's thread, scraped from any other."""

    def __init__(self, registry: CollectorRegistry, now: Callable[[], float] = time.perf_counter) -> None:
        """Declare everything; counters of closed label sets start at 0, so that rates exist.

        Args:
            registry: where all of it is collected.
            now: seconds on a scale that never goes back; times the stages.
        """
        self._now = now
        # Input: what came in, and how far behind it the worker is.
        self._events = Counter("streamer_events", "Transactions judged.", _PARTITION, registry=registry)
        self._rejected = Counter("streamer_rejected", "Records that cannot be judged.", ["reason"], registry=registry)
        self._duplicates = Counter("streamer_duplicates", "Transactions seen before, skipped.", registry=registry)
        self._late = Counter("streamer_late", "Transactions far behind their partition's clock.", registry=registry)
        self._out_of_order = Counter(
            "streamer_out_of_order",
            "Transactions older than an earlier one of their partition, not late.",
            registry=registry,
        )
        self._key_mismatch = Counter(
            "streamer_key_mismatch", "Transactions whose record key is not their user id.", registry=registry
        )
        self._lag = Gauge("streamer_lag_records", "Records not yet read.", _PARTITION, registry=registry)
        self._delay = Gauge(
            "streamer_event_delay_seconds", "Wall time minus the newest event time.", _PARTITION, registry=registry
        )
        # Output: what went out. Before suppression, alerts per event should match the budget.
        self._alerts = Counter("streamer_alerts", "Alerts published.", ["level"], registry=registry)
        self._suppressed = Counter("streamer_suppressed_alerts", "Alerts hidden as repeats.", registry=registry)
        self._budget = Gauge(
            "streamer_alert_budget_ratio", "Alerts wanted per ordinary transaction, by setting.", registry=registry
        )
        self._dead_letters = Counter("streamer_dead_letters", "Dead letters published.", registry=registry)
        self._risk = ArrayHistogram(
            "streamer_risk_decades", "Rarity of judged transactions: 3 is 1 in 1,000.", _RARITY_BOUNDS, registry
        )
        # Failing detectors: one payment that one of them cannot judge, or any payment at all.
        self._unscorable = Counter(
            "streamer_unscorable", "Transactions that no score could be given to.", registry=registry
        )
        self._degraded_events = Counter(
            "streamer_degraded_events", "Transactions taken in while a detector was broken.", registry=registry
        )
        self._degraded = Gauge(
            "streamer_degraded", "Whether a detector is broken and the simplest judges alone.", registry=registry
        )
        # Speed: stages of a turn, and latency from the record's timestamp on.
        self._stages = Histogram(
            "streamer_stage_seconds",
            "Time of each stage in one turn.",
            ["stage"],
            buckets=_STAGE_BOUNDS,
            registry=registry,
        )
        self._batch = Histogram(
            "streamer_batch_records", "Records in one turn.", buckets=_BATCH_BOUNDS, registry=registry
        )
        self._latency = ArrayHistogram(
            "streamer_alert_latency_seconds", "From produced to alert acknowledged.", _LATENCY_BOUNDS, registry
        )
        self._event_latency = ArrayHistogram(
            "streamer_event_latency_seconds", "From produced to committed, all transactions.", _LATENCY_BOUNDS, registry
        )
        # State: what is held in memory, bounded by settings, and what had to go for it.
        self._users = Gauge("streamer_users", "Users held.", _PARTITION, registry=registry)
        self._merchants = Gauge("streamer_merchants", "Merchants held.", _PARTITION, registry=registry)
        self._state = Gauge("streamer_state_bytes", "Rows of state in use.", _PARTITION, registry=registry)
        self._evictions = Counter("streamer_evictions", "Least recently used, forgotten.", ["kind"], registry=registry)
        self._rebalances = Counter("streamer_rebalances", "Changes of assignment.", ["kind"], registry=registry)
        self._restores = Counter(
            "streamer_restores", "Partitions taken over, by what they were made of.", ["how"], registry=registry
        )
        self._to_restore = Gauge(
            "streamer_restore_records", "Records to read until the state is whole.", _PARTITION, registry=registry
        )
        self._unusable = Counter(
            "streamer_unusable_snapshots", "Snapshots passed over by a restore.", registry=registry
        )
        self._restarts = Counter("streamer_restarts", "Starts anew after another process took over.", registry=registry)
        # Snapshots: whether a restart would find its state, and how old.
        self._snapshots = Counter(
            "streamer_snapshots", "Snapshots by what came of them.", ["outcome"], registry=registry
        )
        self._snapshot_seconds = Histogram(
            "streamer_snapshot_seconds",
            "From the moment a snapshot is of until it is stored.",
            buckets=_SNAPSHOT_BOUNDS,
            registry=registry,
        )
        self._snapshot_bytes = Gauge("streamer_snapshot_bytes", "Size of the newest.", _PARTITION, registry=registry)
        self._snapshot_time = Gauge(
            "streamer_snapshot_timestamp_seconds",
            "Newest moment whose state is stored.",
            _PARTITION,
            registry=registry,
        )
        # Identity: the value is always 1. A gauge, so that no series exists before there is a bundle.
        self._bundle = Gauge(
            "streamer_bundle_info", "The loaded model bundle.", ["bundle_id", "version", "sha256"], registry=registry
        )
        self._trained_until = Gauge(
            "streamer_bundle_trained_until_timestamp_seconds",
            "Newest event time the bundle was trained on; 0 without a bundle.",
            registry=registry,
        )
        Info("streamer_build", "This program.", registry=registry).info({"version": __version__})

        for reason in RejectReason:
            self._rejected.labels(reason.value)
        for level in LEVELS:
            self._alerts.labels(level)
        for stage in STAGES:
            self._stages.labels(stage)
        for kind in REBALANCES:
            self._rebalances.labels(kind)
        for how in RESTORES:
            self._restores.labels(how)
        for kind in EVICTIONS:
            self._evictions.labels(kind)
        for outcome in SNAPSHOTS:
            self._snapshots.labels(outcome)

    def events(self, source: TopicPartition, count: int) -> None:
        """Count judged transactions of a partition."""
        self._events.labels(*source).inc(count)

    def rejected(self, reason: RejectReason) -> None:
        """Count a record that cannot be judged."""
        self._rejected.labels(reason.value).inc()

    def duplicates(self, count: int) -> None:
        """Count transactions skipped as repeats."""
        self._duplicates.inc(count)

    def late(self, count: int) -> None:
        """Count late transactions; they are judged all the same."""
        self._late.inc(count)

    def out_of_order(self, count: int) -> None:
        """Count transactions older than an earlier one of their partition, late ones apart."""
        self._out_of_order.inc(count)

    def key_mismatch(self, count: int) -> None:
        """Count transactions whose record key is not their user id; a missing key is none."""
        self._key_mismatch.inc(count)

    def lag(self, source: TopicPartition, records: int) -> None:
        """Set how many records of a partition are not yet read."""
        self._lag.labels(*source).set(records)

    def event_delay(self, source: TopicPartition, seconds: float) -> None:
        """Set how far a partition's newest event time is behind the wall clock."""
        self._delay.labels(*source).set(seconds)

    def alerts(self, level: str) -> None:
        """Count a published alert."""
        self._alerts.labels(level).inc()

    def suppressed(self, count: int) -> None:
        """Count alerts hidden as repeats."""
        self._suppressed.inc(count)

    def dead_letters(self, count: int) -> None:
        """Count published dead letters."""
        self._dead_letters.inc(count)

    def risk(self, tails: NDArray[np.floating]) -> None:
        """Count risks, given as -ln p, by decades of rarity."""
        self._risk.observe(tails / np.log(10.0))

    def scored(self, events: int, *, unscorable: int, degraded: bool) -> None:
        """Count transactions without a score and under broken detectors, and say whether one is broken.

        Args:
            events: how many transactions were taken in.
            unscorable: how many of them have no score.
            degraded: whether a part of the detectors was not heard.
        """
        self._unscorable.inc(unscorable)
        self._degraded_events.inc(events if degraded else 0)
        self._degraded.set(degraded)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage of the loop."""
        begin = self._now()
        try:
            yield
        finally:
            self._stages.labels(name).observe(self._now() - begin)

    def batch(self, size: int) -> None:
        """Count the records of one turn."""
        self._batch.observe(size)

    def alert_latency(self, seconds: NDArray[np.floating]) -> None:
        """Count times from produced to alert acknowledged; clocks that disagree count as 0."""
        self._latency.observe(np.maximum(seconds, 0.0))

    def event_latency(self, seconds: NDArray[np.floating]) -> None:
        """Count times from produced to committed; clocks that disagree count as 0."""
        self._event_latency.observe(np.maximum(seconds, 0.0))

    def held(self, source: TopicPartition, *, users: int, merchants: int, state_bytes: int) -> None:
        """Set what a partition's state holds."""
        self._users.labels(*source).set(users)
        self._merchants.labels(*source).set(merchants)
        self._state.labels(*source).set(state_bytes)

    def evicted(self, kind: str, count: int) -> None:
        """Count users or merchants forgotten."""
        self._evictions.labels(kind).inc(count)

    def rebalance(self, kind: str) -> None:
        """Count a change of assignment."""
        self._rebalances.labels(kind).inc()

    def snapshot(self, outcome: str) -> None:
        """Count a snapshot that was written, was there before and kept, failed, or was abandoned."""
        self._snapshots.labels(outcome).inc()

    def snapshot_written(self, source: TopicPartition, *, seconds: float, size: int) -> None:
        """Set what a partition's newest snapshot took; `size` in bytes."""
        self._snapshot_seconds.observe(seconds)
        self._snapshot_bytes.labels(*source).set(size)

    def snapshot_stored(self, source: TopicPartition, moment: float) -> None:
        """Set the newest moment whose state of a partition is stored; seconds since the epoch."""
        self._snapshot_time.labels(*source).set(moment)

    def budget(self, alerts_per_million: float) -> None:
        """Say how many alerts are wanted."""
        self._budget.set(alerts_per_million / 1e6)

    def bundle(self, *, bundle_id: str, version: str, sha256: str, trained_until: int) -> None:
        """Say which bundle is loaded; `trained_until` in milliseconds since the epoch."""
        self._bundle.clear()
        self._bundle.labels(bundle_id, version, sha256).set(1)
        self._trained_until.set(trained_until / 1000)

    def restoring(self, source: TopicPartition, records: int) -> None:
        """Say how many records a partition has still to read until its state is whole."""
        self._to_restore.labels(*source).set(max(0, records))

    def restored(self, how: str) -> None:
        """Count a partition that was taken over, by what it was made of."""
        self._restores.labels(how).inc()

    def unusable_snapshot(self) -> None:
        """Count a snapshot that was passed over when a partition was restored."""
        self._unusable.inc()

    def restarted(self) -> None:
        """Count a start anew within the process, after another one took over."""
        self._restarts.inc()

    def forget(self, source: TopicPartition) -> None:
        """Remove the gauges of a partition that went elsewhere.

        Its counters stay: they are as many as there are partitions, and removing one would
        lose what it counted since the last scrape.
        """
        for gauge in (
            self._lag,
            self._delay,
            self._users,
            self._merchants,
            self._state,
            self._to_restore,
            self._snapshot_bytes,
            self._snapshot_time,
        ):
            try:
                gauge.remove(*source)
            except KeyError:  # never set: nothing was judged here
                continue
