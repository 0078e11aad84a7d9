"""The loop: poll, judge, produce, flush, commit. At least once.

Offsets are committed after every output of their batch is acknowledged, so a crash repeats
work but loses none; alert ids are the same on a repeat.
"""

import threading
from collections.abc import Sequence

import numpy as np
import structlog

from streamer.clock import Clock
from streamer.errors import FencedError, RetriableTransportError
from streamer.events.record import TopicPartition
from streamer.health import Health
from streamer.metrics import Metrics
from streamer.pipeline import Outcome, Pipeline, Scored
from streamer.recorder import Recorder
from streamer.settings import Settings
from streamer.transport.base import Consumer, Producer, Rebalance

log = structlog.get_logger()

LAG_EVERY_S = 1.0
BACKOFF_S = 0.5


class Worker:
    """Runs one consumer's share of the stream until told to stop."""

    def __init__(
        self,
        settings: Settings,
        *,
        consumer: Consumer,
        producer: Producer,
        pipeline: Pipeline,
        metrics: Metrics,
        health: Health,
        clock: Clock,
        recorder: Recorder | None = None,
    ) -> None:
        """Inject the parts; nothing starts before `run`."""
        self._settings = settings
        self._consumer = consumer
        self._producer = producer
        self._pipeline = pipeline
        self._metrics = metrics
        self._health = health
        self._clock = clock
        self._recorder = recorder
        self._owned: set[TopicPartition] = set()
        self._evicted: dict[TopicPartition, tuple[int, int]] = {}
        self._lag_due = 0.0

    def run(self, stopping: threading.Event) -> None:
        """Work until `stopping` is set, finish the batch in hand, leave the group.

        Raises:
            RetriableTransportError: outputs were not acknowledged within `worker.flush_timeout_s`;
                nothing was committed for them.
            TransportError: the broker refuses this worker.
        """
        rebalance = Rebalance(assigned=self._assigned, revoked=self._revoked, lost=self._lost)
        self._consumer.subscribe([self._settings.topics.transactions], rebalance)
        try:
            while not stopping.is_set():
                self._health.beat()
                self.turn(stopping)
            self._health.draining()
            log.info("draining")
        finally:
            self._consumer.close()
            self._producer.close()

    def turn(self, stopping: threading.Event) -> None:
        """Do one round of the loop."""
        worker = self._settings.worker
        try:
            with self._metrics.stage("poll"):
                records = self._consumer.poll(timeout_s=worker.poll_timeout_s, max_records=worker.max_poll_records)
        except RetriableTransportError as error:
            log.warning("broker is away, trying again", cause=str(error))
            stopping.wait(BACKOFF_S)
            return
        if records:
            outcome = self._pipeline.process(records, now_ms=round(self._clock.wall() * 1000))
            if self._recorder is not None:
                self._recorder.write(outcome.scored)
            self._deliver(outcome)
            delivered = self._clock.wall()
            self._commit(outcome)
            self._account(outcome, delivered)
        self._watch_lag()

    def _deliver(self, outcome: Outcome) -> None:
        if not outcome.messages:
            return
        with self._metrics.stage("flush"):
            for message in outcome.messages:
                self._producer.send(message)
            self._producer.flush(timeout_s=self._settings.worker.flush_timeout_s)

    def _commit(self, outcome: Outcome) -> None:
        with self._metrics.stage("commit"):
            try:
                self._consumer.commit(outcome.offsets)
            except FencedError as error:
                # The new owner will read these records again; what we hold of them is void.
                log.warning("partitions went elsewhere before the commit", cause=str(error))
                # Whether the partitions are gone for good, the group tells by `lost`.
                for source in outcome.offsets:
                    self._void(source)
            except RetriableTransportError as error:
                # The next commit covers this one; a crash before it repeats these records.
                log.warning("offsets not stored this time", cause=str(error))

    def _account(self, outcome: Outcome, delivered: float) -> None:
        committed = self._clock.wall()
        self._metrics.batch(sum(part.received for part in outcome.scored))
        for part in outcome.scored:
            self._account_partition(part, delivered, committed)

    def _account_partition(self, part: Scored, delivered: float, committed: float) -> None:
        metrics, batch = self._metrics, part.advance.batch
        metrics.events(part.source, len(batch))
        metrics.duplicates(part.advance.duplicates)
        metrics.late(int(part.advance.late.sum()))
        metrics.suppressed(part.hidden)
        for rejected in part.rejected:
            metrics.rejected(rejected.error.reason)
        metrics.dead_letters(len(part.rejected))
        for alert in part.alerts:
            metrics.alerts(alert.decision.risk_level)
        if not len(batch):
            return
        produced = {record.offset: record.timestamp for record in batch.records if record.timestamp >= 0}
        metrics.event_latency(committed - np.fromiter(produced.values(), np.float64) / 1000)
        alerted = [produced[a.origin.offset] for a in part.alerts if a.origin.offset in produced]
        metrics.alert_latency(delivered - np.array(alerted, np.float64) / 1000)
        metrics.risk(part.judgement.risk)
        metrics.event_delay(part.source, committed - float(batch.timestamp.max()) / 1000)
        state = self._pipeline.state(part.source)
        metrics.held(part.source, users=state.users, merchants=state.merchants, state_bytes=state.used_bytes)
        evicted = (state.user_evictions, state.merchant_evictions)
        users, merchants = self._evicted.get(part.source, (0, 0))
        metrics.evicted("user", evicted[0] - users)
        metrics.evicted("merchant", evicted[1] - merchants)
        self._evicted[part.source] = evicted

    def _watch_lag(self) -> None:
        now = self._clock.monotonic()
        if now < self._lag_due or not self._owned:
            return
        self._lag_due = now + LAG_EVERY_S
        try:
            positions = self._consumer.positions(list(self._owned))
            ends = self._consumer.end_offsets(list(positions))
        except RetriableTransportError as error:
            log.warning("lag is unknown", cause=str(error))
            return
        for source, end in ends.items():
            lag = max(0, end - positions[source])
            self._metrics.lag(source, lag)
            self._health.progress(source, positions[source], lag)

    def _assigned(self, sources: Sequence[TopicPartition]) -> None:
        log.info("partitions assigned", partitions=[f"{s.topic}/{s.partition}" for s in sources])
        self._metrics.rebalance("assigned")
        self._owned.update(sources)
        self._health.assigned(sources)

    def _revoked(self, sources: Sequence[TopicPartition]) -> None:
        # Nothing is left to commit: every turn ends with a commit, and this runs between turns.
        self._forget(sources, "revoked")

    def _lost(self, sources: Sequence[TopicPartition]) -> None:
        self._forget(sources, "lost")

    def _forget(self, sources: Sequence[TopicPartition], how: str) -> None:
        log.info("partitions " + how, partitions=[f"{s.topic}/{s.partition}" for s in sources])
        self._metrics.rebalance(how)
        self._health.revoked(sources)
        for source in sources:
            self._void(source)
            self._metrics.forget(source)
            self._owned.discard(source)

    def _void(self, source: TopicPartition) -> None:
        self._pipeline.drop(source)
        # The next state counts its evictions from 0.
        self._evicted.pop(source, None)
