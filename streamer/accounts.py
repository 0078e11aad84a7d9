"""What the worker did, told to the metrics."""

from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter

import numpy as np

from streamer.events.keys import key_mismatches
from streamer.events.record import TopicPartition
from streamer.metrics import Metrics
from streamer.partition import Partition
from streamer.pipeline import Scored


class Accounts:
    """Counts each committed part once, and what the state holds."""

    def __init__(self, metrics: Metrics) -> None:
        """Begin with no partition known."""
        self._metrics = metrics
        self._evicted: dict[TopicPartition, tuple[int, int]] = {}

    def committed(self, parts: Sequence[Scored], at_s: float) -> None:
        """Count what was committed, outputs included, at `at_s` seconds since the epoch."""
        metrics = self._metrics
        for part in parts:
            batch = part.advance.batch
            metrics.events(part.source, len(batch))
            metrics.duplicates(part.advance.duplicates)
            metrics.late(int(part.advance.late.sum()))
            metrics.out_of_order(part.advance.out_of_order)
            metrics.key_mismatch(key_mismatches(batch))
            metrics.suppressed(part.hidden)
            for rejected in part.rejected:
                metrics.rejected(rejected.error.reason)
            metrics.dead_letters(len(part.rejected))
            for alert in part.alerts:
                metrics.alerts(alert.decision.risk_level)
            if not len(batch):
                continue
            unscorable = int(np.count_nonzero(~part.has_score))
            metrics.scored(len(batch), unscorable=unscorable, degraded=part.degraded)
            metrics.event_latency(at_s - batch.arrived[batch.arrived >= 0] / 1000)
            if part.alerts:
                offsets = (alert.origin.offset for alert in part.alerts)
                rows = [bisect_left(batch.records, offset, key=attrgetter("offset")) for offset in offsets]
                arrived = batch.arrived[rows]
                metrics.alert_latency(at_s - arrived[arrived >= 0] / 1000)
            metrics.risk(part.judgement.risk[part.has_score])
            metrics.event_delay(part.source, at_s - float(batch.timestamp.max()) / 1000)

    def held(self, source: TopicPartition, partition: Partition) -> None:
        """Tell what the state of a partition holds, and count what it had to forget."""
        state = partition.state
        self._metrics.held(source, users=state.users, merchants=state.merchants, state_bytes=state.used_bytes)
        evicted = (state.user_evictions, state.merchant_evictions)
        users, merchants = self._evicted.get(source, (0, 0))
        self._metrics.evicted("user", evicted[0] - users)
        self._metrics.evicted("merchant", evicted[1] - merchants)
        self._evicted[source] = evicted

    def taken(self, source: TopicPartition, partition: Partition) -> None:
        """Note what a restored partition had evicted before, which is counted already."""
        self._evicted[source] = (partition.state.user_evictions, partition.state.merchant_evictions)

    def forget(self, source: TopicPartition) -> None:
        """Remove the gauges of a partition that went elsewhere."""
        self._metrics.forget(source)
        self._evicted.pop(source, None)
