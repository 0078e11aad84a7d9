"""The loop: poll, judge, deliver, and now and then a snapshot.

What was judged is committed together with its outputs. What is not committed yet exists in memory
only, and another run judges it again to the same bits. While outputs are not taken, the loop
reads nothing more but stays in its group.
"""

import threading
from collections.abc import Sequence

import structlog

from streamer.accounts import Accounts
from streamer.clock import Clock
from streamer.dead_letters.budget import DeadLetterBudget
from streamer.delivery import Delivery
from streamer.errors import RetriableTransportError
from streamer.events.record import Record
from streamer.health import Health
from streamer.metrics import Metrics
from streamer.ownership import Ownership
from streamer.pipeline import Pipeline
from streamer.recorder import Recorder
from streamer.refresh import BundleWatch
from streamer.settings import Settings
from streamer.snapshots import Snapshots
from streamer.transport.base import Consumer

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
        delivery: Delivery,
        pipeline: Pipeline,
        metrics: Metrics,
        health: Health,
        clock: Clock,
        snapshots: Snapshots | None = None,
        recorder: Recorder | None = None,
        bundles: BundleWatch | None = None,
    ) -> None:
        """Inject the parts; nothing starts before `run`."""
        self._settings = settings
        self._consumer = consumer
        self._delivery = delivery
        self._pipeline = pipeline
        self._metrics = metrics
        self._health = health
        self._clock = clock
        self._recorder = recorder
        self._bundles = bundles
        self._accounts = Accounts(metrics)
        self._budget = DeadLetterBudget(settings.dead_letters)
        self._ownership = Ownership(
            settings,
            consumer=consumer,
            pipeline=pipeline,
            delivery=delivery,
            snapshots=snapshots,
            metrics=metrics,
            accounts=self._accounts,
            health=health,
            clock=clock,
        )
        self._blocked_since: float | None = None
        self._blind_since: float | None = None
        self._lag_due = 0.0

    def run(self, stopping: threading.Event) -> None:
        """Work until `stopping` is set, commit and keep what is known, leave the group.

        Raises:
            FencedError: another process took over; start anew from the committed offsets.
            TransportError: the broker refuses this worker or its outputs.
            DeadLetterBudgetError: too much of the input is malformed.
            ScoringError: no detector works, and the settings say to stop then.
        """
        self.join()
        try:
            while not stopping.is_set():
                self.turn(stopping)
            self._health.draining()
            log.info("draining")
            self._ownership.give_up(sorted(self._ownership.owned))
        finally:
            self._consumer.close()
            self._delivery.close()
            self._ownership.close()

    def join(self) -> None:
        """Enter the group; partitions come during turns."""
        self._consumer.subscribe([self._settings.topics.transactions], self._ownership.rebalance())

    def turn(self, stopping: threading.Event) -> None:
        """Do one round of the loop."""
        with self._metrics.stage("rest"):
            self._turn(stopping)

    def _turn(self, stopping: threading.Event) -> None:
        self._health.beat()
        if self._bundles is not None and (bundle := self._bundles.look(self._clock.monotonic())) is not None:
            self._pipeline.use(bundle)
        try:
            records = self._poll()
        except RetriableTransportError as error:
            log.warning("broker is away, trying again", cause=str(error))
            stopping.wait(BACKOFF_S)
            records = []
        self._delivery.pace(in_backlog=len(records) >= self._settings.worker.max_poll_records)
        if records:
            self._judge(records)
        # While blocked also with nothing in hand: if that was lost with its partitions, nothing is left to wait for.
        if self._blocked_since is not None or self._delivery.is_due(self._clock.monotonic()):
            self._deliver(everything=False)
        if len(self._delivery) and self._blocked_since is None and self._ownership.wants_snapshot():
            self._deliver(everything=True)
        self._ownership.keep_snapshots(may_begin=not len(self._delivery))
        self._watch()

    def _poll(self) -> list[Record]:
        worker = self._settings.worker
        due_in = self._delivery.due_in(self._clock.monotonic())
        timeout_s = worker.poll_timeout_s if due_in is None else min(worker.poll_timeout_s, due_in)
        if self._blocked_since is not None:
            timeout_s = BACKOFF_S
        with self._metrics.stage("poll"):
            return self._consumer.poll(timeout_s=timeout_s, max_records=worker.max_poll_records)

    def _judge(self, records: Sequence[Record]) -> None:
        parts = self._pipeline.process(records, now_ms=round(self._clock.wall() * 1000))
        self._metrics.batch(len(records))
        news = [part for part in parts if not part.silent]
        if not news:
            return
        rejected = [each for part in news for each in part.rejected]
        self._budget.note(self._clock.monotonic(), sum(part.received for part in news), rejected)
        if self._recorder is not None:
            self._recorder.write(news)
        self._delivery.add(news)

    def _deliver(self, *, everything: bool) -> None:
        # Until outputs are known to be taken again, there is nothing else to do meanwhile.
        everything = everything or self._blocked_since is not None
        deliver = self._delivery.deliver if everything else self._delivery.go_on
        try:
            with self._metrics.stage("deliver"):
                delivered = deliver(self._clock.monotonic())
        except RetriableTransportError as error:
            if self._blocked_since is None:
                self._blocked_since = self._clock.monotonic()
                self._ownership.hold()
                log.warning("outputs are not taken; nothing more is read until they are", cause=str(error))
            self._health.blocked(str(error))
            return
        if self._blocked_since is not None:
            seconds = round(self._clock.monotonic() - self._blocked_since, 1)
            self._blocked_since = None
            self._health.blocked(None)
            self._ownership.release()
            log.info("outputs are taken again", after_seconds=seconds)
        self._accounts.committed(delivered, self._clock.wall())
        for source in {part.source for part in delivered} & self._ownership.owned:
            self._accounts.held(source, self._pipeline.partition(source))

    def _watch(self) -> None:
        try:
            self._ownership.watch_restores()
            if self._clock.monotonic() >= self._lag_due:
                self._lag_due = self._clock.monotonic() + LAG_EVERY_S
                self._watch_lag()
                self._see_again()
        except RetriableTransportError as error:
            if self._blind_since is None:
                self._blind_since = self._clock.monotonic()
                log.warning("positions are unknown; asking until they are known", cause=str(error))

    def _see_again(self) -> None:
        if self._blind_since is not None:
            seconds = round(self._clock.monotonic() - self._blind_since, 1)
            self._blind_since = None
            log.info("positions are known again", after_seconds=seconds)

    def _watch_lag(self) -> None:
        owned = self._ownership.owned
        if not owned:
            return
        positions = self._consumer.positions(list(owned))
        ends = self._consumer.end_offsets(list(positions))
        for source, end in ends.items():
            lag = max(0, end - positions[source])
            self._metrics.lag(source, lag)
            self._health.progress(source, positions[source], lag)
