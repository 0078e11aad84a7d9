"""The partitions of this worker: taken over with their state, given up with a last snapshot."""

from collections.abc import Mapping, Sequence

import structlog

from streamer.accounts import Accounts
from streamer.clock import Clock
from streamer.delivery import Delivery
from streamer.errors import FencedError, RetriableTransportError
from streamer.events.record import TopicPartition
from streamer.health import Health
from streamer.metrics import Metrics
from streamer.partition import Partition
from streamer.pipeline import Pipeline
from streamer.recovery import LogBounds, recover
from streamer.settings import Settings
from streamer.snapshots import Snapshots
from streamer.transport.base import Consumer, Rebalance

log = structlog.get_logger()

_BROKER_CLEANS_UP_WITHIN_S = 20.0


class Ownership:
    """Follows the group: whose state is held, what is read, what is left behind."""

    def __init__(
        self,
        settings: Settings,
        *,
        consumer: Consumer,
        pipeline: Pipeline,
        delivery: Delivery,
        snapshots: Snapshots | None,
        metrics: Metrics,
        accounts: Accounts,
        health: Health,
        clock: Clock,
    ) -> None:
        """Begin without partitions."""
        self._settings = settings
        self._consumer = consumer
        self._pipeline = pipeline
        self._delivery = delivery
        self._snapshots = snapshots
        self._metrics = metrics
        self._accounts = accounts
        self._health = health
        self._clock = clock
        self._restoring: dict[TopicPartition, float] = {}
        self._is_held = False
        self.owned: set[TopicPartition] = set()

    def rebalance(self) -> Rebalance:
        """Return what the consumer is to call."""
        return Rebalance(assigned=self._assigned, revoked=self.give_up, lost=self._lost)

    def hold(self) -> None:
        """Read nothing more, of partitions still to come either, and stay in the group."""
        self._is_held = True
        self._consumer.pause(sorted(self.owned))

    def release(self) -> None:
        """Read on."""
        self._is_held = False
        self._consumer.resume(sorted(self.owned))

    def give_up(self, sources: Sequence[TopicPartition]) -> None:
        """Commit and keep what is known of partitions, then forget it: they go elsewhere, or the worker ends."""
        try:
            delivered = self._delivery.deliver(self._clock.monotonic())
        except RetriableTransportError as error:
            log.warning("outputs were not taken; the next owner makes them again", cause=str(error))
        else:
            self._accounts.committed(delivered, self._clock.wall())
            self._leave_snapshots(sources)
        self._forget(sources, "revoked")

    def wants_snapshot(self) -> bool:
        """Whether a snapshot is due that could begin if everything judged were committed."""
        return self._snapshots is not None and self._snapshots.is_due(self._whole())

    def keep_snapshots(self, *, may_begin: bool) -> None:
        """Go on with snapshots.

        Args:
            may_begin: whether everything judged is committed.
        """
        if self._snapshots is not None:
            self._snapshots.turn(self._whole() if may_begin else {})

    def _whole(self) -> Mapping[TopicPartition, Partition]:
        return {source: self._pipeline.partition(source) for source in sorted(self.owned - self._restoring.keys())}

    def watch_restores(self) -> None:
        """Tell how far restored partitions have come."""
        if not self._restoring:
            return
        positions = self._consumer.positions(list(self._restoring))
        for source, position in positions.items():
            partition = self._pipeline.partition(source)
            # The last offsets before the committed one may hold marks of transactions and no record.
            if position >= partition.published_to:
                partition.next_offset = max(partition.next_offset, partition.published_to)
            left = partition.published_to - partition.next_offset
            self._metrics.restoring(source, left)
            self._health.restoring(source, left)
            if left <= 0:
                seconds = self._clock.monotonic() - self._restoring.pop(source)
                self._accounts.held(source, partition)
                log.info("partition is restored", partition=_name(source), seconds=round(seconds, 1))

    def close(self) -> None:
        """Let go of what is still held, as after a fault, and let the writing of snapshots end.

        Metrics and health outlive this worker, so nothing of its partitions may stay in them.
        """
        if self.owned:
            self._forget(sorted(self.owned), "lost")
        self._health.blocked(None)
        if self._snapshots is not None:
            self._snapshots.close()

    def _assigned(self, sources: Sequence[TopicPartition]) -> None:
        log.info("partitions assigned", partitions=[_name(source) for source in sources])
        self._metrics.rebalance("assigned")
        self._health.assigned(sources)
        # At once: if taking one over fails, what is known of it must go as well.
        self.owned.update(sources)
        for source, bounds in self._bounds(sources).items():
            self._health.beat()
            self._take(source, bounds)
        if self._is_held:
            self._consumer.pause(sources)

    def _bounds(self, sources: Sequence[TopicPartition]) -> dict[TopicPartition, LogBounds]:
        """Ask the broker where the partitions stand, as often as it takes within a bound.

        Raises:
            FencedError: it did not answer; nothing can be read, so all must be asked for anew.
        """
        # A dead worker's open transaction hides the committed offsets until the broker gives it up.
        deadline = self._clock.monotonic() + self._settings.kafka.transaction_timeout_s + _BROKER_CLEANS_UP_WITHIN_S
        while True:
            try:
                committed = self._consumer.committed(sources)
                begins = self._consumer.beginning_offsets(sources)
                ends = self._consumer.end_offsets(sources)
                # Last, as it vouches for the answers before it.
                log_ids = {topic: self._consumer.log_id(topic) for topic in {each.topic for each in sources}}
            except RetriableTransportError as error:
                log.warning("broker is away while partitions are taken over, trying again", cause=str(error))
                if self._clock.monotonic() > deadline:
                    raise FencedError(f"partitions could not be taken over: {error}") from error
                self._health.beat()
            else:
                return {
                    each: LogBounds(committed.get(each), begins[each], ends[each], log_ids[each.topic])
                    for each in sources
                }

    def _take(self, source: TopicPartition, bounds: LogBounds) -> None:
        started = self._clock.monotonic()
        with self._metrics.stage("restore"):
            restored = recover(source, bounds, self._settings, self._snapshots, self._metrics.unusable_snapshot)
        partition = restored.partition
        self._metrics.restored(restored.how)
        self._pipeline.adopt(source, partition)
        self._accounts.taken(source, partition)
        self._accounts.held(source, partition)
        self._consumer.seek(source, partition.next_offset)
        if bounds.committed is None:
            self._commit_start(source, partition.published_to)
        left = partition.published_to - partition.next_offset
        self._metrics.restoring(source, left)
        if partition.is_restoring:
            self._restoring[source] = started
            self._health.restoring(source, left)

    def _commit_start(self, source: TopicPartition, offset: int) -> None:
        """Store where a new group starts: else a crash before its first commit would start elsewhere.

        Raises:
            FencedError: it cannot be stored.
        """
        try:
            self._consumer.commit({source: offset})
        except RetriableTransportError as error:
            raise FencedError(f"the start of {_name(source)} could not be stored: {error}") from error

    def _leave_snapshots(self, sources: Sequence[TopicPartition]) -> None:
        if self._snapshots is None:
            return
        for source in sources:
            if source in self.owned and source not in self._restoring:
                with self._metrics.stage("snapshot"):
                    self._snapshots.hand_over(source, self._pipeline.partition(source))

    def _lost(self, sources: Sequence[TopicPartition]) -> None:
        self._forget(sources, "lost")

    def _forget(self, sources: Sequence[TopicPartition], how: str) -> None:
        log.info("partitions " + how, partitions=[_name(source) for source in sources])
        self._metrics.rebalance(how)
        self._health.revoked(sources)
        self._delivery.drop(sources)
        for source in sources:
            if self._snapshots is not None:
                self._snapshots.forget(source)
            self._pipeline.drop(source)
            self._accounts.forget(source)
            self._restoring.pop(source, None)
            self.owned.discard(source)


def _name(source: TopicPartition) -> str:
    return f"{source.topic}/{source.partition}"
