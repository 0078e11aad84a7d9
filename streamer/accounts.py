"""What the worker did, told to the metrics."""

from collections.abc import Sequence

from streamer.events.record import TopicPartition
from streamer.metrics import Metrics
from streamer.partition import Partition
from streamer.uncommitted import Uncommitted


class Accounts:
    """Counts each committed part once, and what the state holds."""

    def __init__(self, metrics: Metrics) -> None:
        """Begin with no partition known."""
        self._metrics = metrics
        self._evicted: dict[TopicPartition, tuple[int, int]] = {}

    def committed(self, parts: Sequence[Uncommitted], at_s: float) -> None:
        """Count what was committed, outputs included, at `at_s` seconds since the epoch."""
        metrics = self._metrics
        for part in parts:
            tally = part.tally
            metrics.events(part.source, tally.events)
            metrics.duplicates(tally.duplicates)
            metrics.late(tally.late)
            metrics.out_of_order(tally.out_of_order)
            metrics.key_mismatch(tally.key_mismatches)
            metrics.suppressed(tally.hidden)
            for reason in tally.rejected:
                metrics.rejected(reason)
            metrics.dead_letters(len(tally.rejected))
            for level in tally.levels:
                metrics.alerts(level)
            if tally.newest_s is None:
                continue
            metrics.scored(tally.events, unscorable=tally.unscorable, degraded=tally.degraded)
            metrics.event_latency(at_s - tally.arrived / 1000)
            if tally.levels:
                metrics.alert_latency(at_s - tally.alerted / 1000)
            metrics.risk(tally.risk)
            metrics.event_delay(part.source, at_s - tally.newest_s)

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
