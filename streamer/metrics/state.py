"""What is held of partitions, where it came from, and whether it would survive."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from streamer.events.record import TopicPartition
from streamer.metrics.partitions import PartitionGauges

REBALANCES = ("assigned", "revoked", "lost")
RESTORES = ("snapshot", "snapshot_with_gap", "look_back", "empty")
EVICTIONS = ("user", "merchant")
SNAPSHOTS = ("written", "kept", "failed", "abandoned")

_SNAPSHOT_BOUNDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 120.0)


class StateMetrics:
    """Counts what happens to partitions and their snapshots."""

    def __init__(self, registry: CollectorRegistry, gauges: PartitionGauges) -> None:
        """Declare them; counters of closed label sets start at 0, so that rates exist."""
        # State: what is held in memory, bounded by settings, and what had to go for it.
        self._users = gauges.declare("streamer_users", "Users held.")
        self._merchants = gauges.declare("streamer_merchants", "Merchants held.")
        self._state = gauges.declare("streamer_state_bytes", "Rows of state in use.")
        self._evictions = Counter("streamer_evictions", "Least recently used, forgotten.", ["kind"], registry=registry)
        self._rebalances = Counter("streamer_rebalances", "Changes of assignment.", ["kind"], registry=registry)
        self._restores = Counter(
            "streamer_restores", "Partitions taken over, by what they were made of.", ["how"], registry=registry
        )
        self._to_restore = gauges.declare("streamer_restore_records", "Records to read until the state is whole.")
        self._unusable = Counter(
            "streamer_unusable_snapshots", "Snapshots passed over by a restore.", registry=registry
        )
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
        self._snapshot_bytes = gauges.declare("streamer_snapshot_bytes", "Size of the newest.")
        self._snapshot_time = gauges.declare(
            "streamer_snapshot_timestamp_seconds", "Newest moment whose state is stored."
        )
        for kind in REBALANCES:
            self._rebalances.labels(kind)
        for how in RESTORES:
            self._restores.labels(how)
        for kind in EVICTIONS:
            self._evictions.labels(kind)
        for outcome in SNAPSHOTS:
            self._snapshots.labels(outcome)

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

    def restoring(self, source: TopicPartition, records: int) -> None:
        """Say how many records a partition has still to read until its state is whole."""
        self._to_restore.labels(*source).set(max(0, records))

    def restored(self, how: str) -> None:
        """Count a partition that was taken over, by what it was made of."""
        self._restores.labels(how).inc()

    def unusable_snapshot(self) -> None:
        """Count a snapshot that was passed over when a partition was restored."""
        self._unusable.inc()

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
