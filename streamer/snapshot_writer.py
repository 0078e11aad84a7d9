"""One thread that writes snapshots, so that the loop never waits for a disk or a network."""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from queue import Empty, Full, Queue, SimpleQueue

import msgspec
import structlog

from streamer.alerts.policy import Episode
from streamer.errors import SnapshotError
from streamer.state import snapshot
from streamer.state.container import Writable
from streamer.state.image import Head, Rows
from streamer.state.snapshot import Label
from streamer.state.store import SnapshotStore

log = structlog.get_logger()

_WAITING_SLICES = 8
_LOOK_S = 0.1
"""How soon the thread finds out that a snapshot is abandoned."""


class Abandoned(SnapshotError):
    """Nobody wants the snapshot any more."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a snapshot.

    Attributes:
        cause: why it failed; None where it is stored.
        size: bytes written.
        created: whether it was written; else one was there before.
        unpruned: why older ones that should be gone are still there; None where they are gone.
    """

    cause: str | None
    size: int = 0
    created: bool = False
    unpruned: str | None = None


class Job:
    """One snapshot on its way: the loop puts slices in, the thread takes them out."""

    def __init__(self, label: Label, head: Head, episodes: Iterable[Episode], *, replaces: bool) -> None:
        """Begin.

        Args:
            label: which moment of which partition it is.
            head: of its image.
            episodes: of its alert policy.
            replaces: whether one that is of no use lies in its place and is deleted first.
        """
        self.label = label
        self._head = head
        self._episodes = episodes
        self._replaces = replaces
        self._slices: Queue[Rows] = Queue(_WAITING_SLICES)
        self._abandoned = threading.Event()
        self._done = threading.Event()
        self._outcome: Outcome | None = None

    @property
    def outcome(self) -> Outcome | None:
        """What came of it; None until then."""
        return self._outcome if self._done.is_set() else None

    @property
    def has_room(self) -> bool:
        """Whether `put` would return at once."""
        return not self._slices.full()

    def put(self, rows: Rows, *, timeout_s: float) -> bool:
        """Hand over a slice; returns whether there was room for it in time."""
        try:
            self._slices.put(rows, timeout=max(timeout_s, 0.0))
        except Full:
            return False
        return True

    def abandon(self) -> None:
        """Give up; nothing of it will be stored, unless all of it is by now."""
        self._abandoned.set()

    def wait(self, *, timeout_s: float) -> Outcome | None:
        """Wait for the outcome; None if it takes longer."""
        self._done.wait(max(timeout_s, 0.0))
        return self.outcome

    def write(self, store: SnapshotStore) -> None:
        """Write it all; to be called on the writing thread."""
        label = self.label
        try:
            if self._replaces or self._lies_on_another_log(store):
                self._discard(store)
            stored = store.write(label.source, label.next_offset, self._write)
        except SnapshotError as error:
            self._outcome = Outcome(str(error))
        else:
            self._outcome = Outcome(None, stored.size, stored.created, stored.unpruned)
        self._done.set()

    def _lies_on_another_log(self, store: SnapshotStore) -> bool:
        """Whether what lies in its place is of a topic of before that had the same name.

        Such a one is not always found when a partition is taken over: it may be ahead of what is committed.
        """
        source, offset = self.label.source, self.label.next_offset
        try:
            with store.open(source, offset) as stream:
                found = snapshot.read_log_id(stream, store.place(source, offset))
        except SnapshotError:
            return False  # mostly: nothing is there
        return snapshot.are_different(found, self.label.log_id)

    def _discard(self, store: SnapshotStore) -> None:
        # A partition's next owner may have replaced it by now, and what it wrote must stay.
        self._check()
        try:
            store.discard(self.label.source, self.label.next_offset)
        except SnapshotError as error:
            log.warning("snapshot that is of no use cannot be replaced", cause=str(error))

    def _write(self, stream: Writable) -> int:
        extra = msgspec.msgpack.encode(list(self._episodes))
        size = snapshot.write(stream, self.label, self._head, self._taken(), extra)
        self._check()
        return size

    def _taken(self) -> Iterator[Rows]:
        while True:
            self._check()
            if (rows := self._next()) is not None:
                yield rows

    def _next(self) -> Rows | None:
        try:
            return self._slices.get(timeout=_LOOK_S)
        except Empty:
            return None

    def _check(self) -> None:
        if self._abandoned.is_set():
            raise Abandoned("abandoned")


class SnapshotWriter:
    """Writes jobs in order on a thread of its own, which starts with the first."""

    def __init__(self, store: SnapshotStore) -> None:
        """Name the place."""
        self._store = store
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        # A daemon: a store that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)

    def submit(self, job: Job) -> None:
        """Queue a job."""
        if not self._thread.ident:
            self._thread.start()
        self._jobs.put(job)

    def close(self, *, timeout_s: float) -> None:
        """Let the thread end after the jobs in its queue, and wait so long for it."""
        self._jobs.put(None)
        if self._thread.ident:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.write(self._store)
