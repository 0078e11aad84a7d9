"""What came in, what was found, and what went out."""

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Gauge

from streamer.errors import RejectReason
from streamer.events.record import TopicPartition
from streamer.metrics.array_histogram import ArrayHistogram
from streamer.metrics.partitions import PARTITION, PartitionGauges

LEVELS = ("elevated", "high", "critical")

_RARITY_BOUNDS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0)


class TrafficMetrics:
    """Counts transactions, alerts and dead letters."""

    def __init__(self, registry: CollectorRegistry, gauges: PartitionGauges) -> None:
        """Declare them; counters of closed label sets start at 0, so that rates exist."""
        # Input: what came in, and how far behind it the worker is.
        self._events = Counter("streamer_events", "Transactions judged.", PARTITION, registry=registry)
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
        self._lag = gauges.declare("streamer_lag_records", "Records not yet read.")
        self._delay = gauges.declare("streamer_event_delay_seconds", "Wall time minus the newest event time.")
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
        for reason in RejectReason:
            self._rejected.labels(reason.value)
        for level in LEVELS:
            self._alerts.labels(level)

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

    def budget(self, alerts_per_million: float) -> None:
        """Say how many alerts are wanted."""
        self._budget.set(alerts_per_million / 1e6)

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
