"""Snapshots of all partitions of a worker: when they are taken, and how they come back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec
import structlog

from streamer.alerts.policy import Episode
from streamer.clock import Clock
from streamer.errors import SnapshotError, UnusableSnapshot
from streamer.events.record import TopicPartition
from streamer.metrics import Metrics
from streamer.partition import Partition
from streamer.settings import Settings
from streamer.snapshot_writer import Job, SnapshotWriter
from streamer.state import snapshot
from streamer.state.bounded import Bounded
from streamer.state.image import Image, Rows
from streamer.state.snapshot import Label
from streamer.state.store import SnapshotStore

log = structlog.get_logger()

_TURN_S = 0.005
"""About how long the loop copies in one turn."""

RESTORE_WITHIN_S = 60.0
"""How long listing and reading a partition's snapshots may take together before the log is read instead.

Long enough for gigabytes, which `snapshots.handover_s` need not be; and well within the default of
`kafka.max_poll_interval_s`, after which a store that hangs would cost the worker its place in the group.
"""

_SLICE_BYTES = 1 << 20
_GOLDEN = 0.618_033_988_749_895
"""Multiples of it, less whole numbers, spread evenly however many there are."""


@dataclass(slots=True)
class _Running:
    """The one snapshot under way."""

    job: Job
    image: Image
    slices: Iterator[Rows]
    began: float
    moment: float


class Snapshots:
    """Takes snapshots from the loop's thread, a little each turn, and reads them back.

    A snapshot must never hold more than what is committed, or records after it would be
    published twice: `turn` and `hand_over` may be called only while nothing is uncommitted.
    Failures are counted and logged, once until the next success, and never raised by these two.
    """

    def __init__(
        self, settings: Settings, *, metrics: Metrics, clock: Clock, restore_within_s: float = RESTORE_WITHIN_S
    ) -> None:
        """Take `settings.snapshots`, whose `url` must be set.

        Args:
            settings: all settings.
            metrics: told what comes of snapshots.
            clock: tells when snapshots are due.
            restore_within_s: how long listing and reading one partition's snapshots may take together.

        Raises:
            SnapshotError: the URL is of no use.
        """
        if settings.snapshots.url is None:
            raise SnapshotError("snapshots.url is not set: name a folder or a URL")
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._store = SnapshotStore(
            settings.snapshots.url, settings.kafka.group_id, keep=settings.snapshots.keep, clock=clock
        )
        self._writer = SnapshotWriter(self._store)
        self._due: dict[TopicPartition, float] = {}
        self._stored: dict[TopicPartition, int] = {}
        self._running: _Running | None = None
        self._hanging: Job | None = None
        self._refused: set[tuple[TopicPartition, int]] = set()
        self._restore_within_s = restore_within_s
        self._restore_until: dict[TopicPartition, float] = {}
        self._reads = Bounded("snapshot-reads")
        self._is_failing = False
        self._is_unpruned = False

    def offsets(self, source: TopicPartition) -> list[int]:
        """Return the offsets of a partition's snapshots, newest first.

        The time that this and the loads that follow may take together begins here.

        Raises:
            SnapshotError: the store cannot be read, or not in time.
        """
        self._restore_until[source] = self._clock.monotonic() + self._restore_within_s
        return self._reads.run(
            lambda: self._store.offsets(source),
            timeout_s=self._restore_within_s,
            doing=f"listing the snapshots of {_name(source)}",
        )

    def load(self, source: TopicPartition, offset: int, *, log_id: str | None) -> Partition:
        """Read a snapshot; `next_offset` of the partition is `offset`.

        One that is damaged or does not fit makes room when another is to be written in its place; until
        then it stays, since other settings may be all that it needs.

        Args:
            source: the partition.
            offset: of the snapshot.
            log_id: identity of the log it must be of; None fits any.

        Raises:
            UnusableSnapshot: it is damaged, of another log, or does not fit.
            SnapshotError: a newer program wrote it, or it cannot be read, or not in time.
        """
        place = self._store.place(source, offset)
        until = self._restore_until.get(source)
        left_s = self._restore_within_s if until is None else until - self._clock.monotonic()
        log.info("snapshot is being read", partition=_name(source), snapshot=place)
        try:
            partition, label = self._reads.run(
                lambda: load(self._store, source, offset, self._settings, log_id=log_id),
                timeout_s=left_s,
                doing=f"reading {place}",
            )
        except UnusableSnapshot:
            self._refused.add((source, offset))
            raise
        self._stored[source] = offset
        self._metrics.snapshot_stored(source, label.created_at / 1000)
        return partition

    def is_due(self, partitions: Mapping[TopicPartition, Partition]) -> bool:
        """Whether `turn` would begin a snapshot of one of these now."""
        return self._running is None and self._next_due(partitions) is not None

    def turn(self, partitions: Mapping[TopicPartition, Partition]) -> None:
        """Begin a snapshot that is due, or go on with the one under way; takes milliseconds.

        Args:
            partitions: those that may be begun; none is still being restored.
        """
        if self._running is None:
            source = self._next_due(partitions)
            if source is not None:
                with self._metrics.stage("snapshot"):
                    self._begin(source, partitions[source])
        else:
            with self._metrics.stage("snapshot"):
                self._go_on(self._running)

    def hand_over(self, source: TopicPartition, partition: Partition) -> None:
        """Store a partition's newest state now; gives up after `snapshots.handover_s`."""
        deadline = self._clock.monotonic() + self._settings.snapshots.handover_s
        running = self._running
        if running is not None and running.job.label != self._label(source, partition, running.moment):
            self._abandon(running)
            running = None
        if running is None:
            is_stored = self._stored.get(source) == partition.next_offset
            if is_stored or self._is_hanging():
                return
            running = self._begin(source, partition)
        for rows in running.slices:
            if not running.job.put(rows, timeout_s=deadline - self._clock.monotonic()):
                break
        if running.job.wait(timeout_s=deadline - self._clock.monotonic()) is None:
            self._abandon(running)
            self._hanging = running.job
            log.warning(
                "last snapshot of a partition took too long; its next owner reads more of the log",
                partition=_name(source),
                handover_s=self._settings.snapshots.handover_s,
                remedy="raise snapshots.handover_s, or see why the store is slow",
            )
        else:
            self._finish(running)

    def forget(self, source: TopicPartition) -> None:
        """Give up everything about a partition that is this worker's no more."""
        if self._running is not None and self._running.job.label.source == source:
            self._abandon(self._running)
        self._due.pop(source, None)
        self._stored.pop(source, None)
        self._restore_until.pop(source, None)
        self._refused = {each for each in self._refused if each[0] != source}

    def close(self) -> None:
        """Abandon what is under way and let the writing thread end; waits `snapshots.handover_s` at most."""
        if self._running is not None:
            self._abandon(self._running)
        self._writer.close(timeout_s=0.0 if self._is_hanging() else self._settings.snapshots.handover_s)

    def _next_due(self, partitions: Mapping[TopicPartition, Partition]) -> TopicPartition | None:
        now, interval_s = self._clock.monotonic(), self._settings.snapshots.interval_s
        for source, partition in partitions.items():
            # Partitions start at different times within the interval, the same each time.
            due = self._due.setdefault(source, now + interval_s * (source.partition * _GOLDEN % 1.0))
            if due > now:
                continue
            if self._stored.get(source) != partition.next_offset:
                return source
            self._due[source] = now + interval_s
            self._metrics.snapshot_stored(source, self._clock.wall())
        return None

    def _begin(self, source: TopicPartition, partition: Partition) -> _Running:
        image = partition.state.begin_image()
        moment, now = self._clock.wall(), self._clock.monotonic()
        replaces = (source, partition.next_offset) in self._refused
        job = Job(self._label(source, partition, moment), image.head, partition.policy.freeze(), replaces=replaces)
        self._writer.submit(job)
        self._due[source] = now + self._settings.snapshots.interval_s
        self._running = _Running(job, image, image.slices(_SLICE_BYTES), now, moment)
        return self._running

    def _label(self, source: TopicPartition, partition: Partition, moment: float) -> Label:
        return Label(source, partition.log_id, partition.next_offset, round(moment * 1000))

    def _go_on(self, running: _Running) -> None:
        if running.job.outcome is not None:
            self._finish(running)
            return
        until = self._clock.monotonic() + _TURN_S
        while running.job.has_room and self._clock.monotonic() < until:
            rows = next(running.slices, None)
            if rows is None:
                return
            running.job.put(rows, timeout_s=0.0)

    def _finish(self, running: _Running) -> None:
        outcome, label = running.job.outcome, running.job.label
        running.image.abandon()
        self._running = None
        if outcome is None or outcome.cause is not None:
            self._failed(label, "unknown" if outcome is None else outcome.cause)
            return
        self._stored[label.source] = label.next_offset
        self._metrics.snapshot("written" if outcome.created else "kept")
        if outcome.created:
            self._refused.discard((label.source, label.next_offset))
            seconds = self._clock.monotonic() - running.began
            self._metrics.snapshot_written(label.source, seconds=seconds, size=outcome.size)
        self._metrics.snapshot_stored(label.source, running.moment)
        if self._is_failing:
            self._is_failing = False
            log.info("snapshots are written again", partition=_name(label.source))
        if outcome.unpruned is not None and not self._is_unpruned:
            log.warning(
                "old snapshots could not be deleted; trying again with each new one",
                partition=_name(label.source),
                cause=outcome.unpruned,
            )
        self._is_unpruned = outcome.unpruned is not None

    def _failed(self, label: Label, cause: str | None) -> None:
        self._metrics.snapshot("failed")
        if not self._is_failing:
            self._is_failing = True
            log.error(
                "snapshot could not be written; trying again every interval, a restart reads more of the log meanwhile",
                partition=_name(label.source),
                cause=cause,
            )

    def _abandon(self, running: _Running) -> None:
        running.job.abandon()
        running.image.abandon()
        self._running = None
        self._due[running.job.label.source] = self._clock.monotonic()
        self._metrics.snapshot("abandoned")

    def _is_hanging(self) -> bool:
        """Whether the thread still holds a snapshot that took too long: more would only wait for it."""
        if self._hanging is not None and self._hanging.outcome is not None:
            self._hanging = None
        return self._hanging is not None


def load(
    store: SnapshotStore, source: TopicPartition, offset: int, settings: Settings, *, log_id: str | None
) -> tuple[Partition, Label]:
    """Read a snapshot of a log; where `log_id` is None, of whichever.

    Raises:
        UnusableSnapshot: it is damaged, of another log, or does not fit the program or its settings.
        SnapshotError: a newer program wrote it, or it cannot be read.
    """
    place = store.place(source, offset)
    partition = Partition(settings, log_id=log_id)
    with store.open(source, offset) as stream:
        saved = snapshot.read(stream, place, source, partition.state, log_id=log_id)
    if saved.label.next_offset != offset:
        raise UnusableSnapshot(f"snapshot {place} is of offset {saved.label.next_offset}: it was renamed; delete it")
    try:
        partition.policy.restore(msgspec.msgpack.decode(saved.extra, type=list[Episode]))
    except msgspec.DecodeError as error:
        raise UnusableSnapshot(f"snapshot {place} holds no alert policy: {error}; delete it") from error
    partition.next_offset = offset
    return partition, saved.label


def _name(source: TopicPartition) -> str:
    return f"{source.topic}/{source.partition}"
