"""Where snapshots lie: {url}/{group}/{topic}/{partition}/{offset}.snapshot, in a folder or a store of objects.

A snapshot appears whole or not at all, and never in place of another: two workers that both think
they own a partition cannot spoil each other's. A state is a function of the log, so a snapshot
that is already there is as good as the one that was to be written.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlsplit, urlunsplit

from streamer.clock import Clock, SystemClock
from streamer.errors import SnapshotError
from streamer.events.record import TopicPartition
from streamer.state.container import Readable, Writable
from streamer.state.folder import Folder
from streamer.state.remote import RemoteFolder

SUFFIX = ".snapshot"

_DIGITS = 20


class Backend(Protocol):
    """Files below one root; paths are parts joined by "/"."""

    def names(self, path: str) -> list[str]:
        """Return the names of the files at a path; none where nothing is."""
        ...

    def read(self, path: str) -> AbstractContextManager[Readable]:
        """Open a file."""
        ...

    def create(self, path: str, write: Callable[[Writable], None]) -> bool:
        """Make a file unless it exists; whole, or if `write` raises not at all.

        Returns:
            Whether it was made; False where it exists.
        """
        ...

    def delete(self, path: str) -> None:
        """Delete a file; one that is gone is as good."""
        ...


@dataclass(frozen=True, slots=True)
class Stored:
    """What came of a write.

    Attributes:
        size: bytes written; 0 where the snapshot was there before.
        created: whether it was not there before.
        unpruned: why older ones that should be gone are still there; None where they are gone.
    """

    size: int
    created: bool
    unpruned: str | None


class SnapshotStore:
    """The snapshots of one group's partitions. Safe to use from several threads."""

    def __init__(self, url: str, group_id: str, *, keep: int, clock: Clock | None = None) -> None:
        """Name the place; nothing is read or written yet.

        Args:
            url: a folder, or a URL that fsspec understands.
            group_id: the consumer group: each has its own progress.
            keep: how many snapshots of a partition stay.
            clock: tells which leftovers of writers that died are old.

        Raises:
            SnapshotError: the kind of URL is unknown, or needs a package that is not installed.
        """
        self._shown = without_credentials(url)
        self._secrets = _secrets(url)
        self._group = _quoted(group_id)
        self._keep = keep
        self._backend = self._open(url, clock or SystemClock())

    def __repr__(self) -> str:
        """Show the place without credentials."""
        return f"SnapshotStore({self._shown!r})"

    def offsets(self, source: TopicPartition) -> list[int]:
        """Return the offsets of a partition's snapshots, newest first.

        Raises:
            SnapshotError: the store cannot be reached.
        """
        with self._translated("list the snapshots in", self._folder(source)):
            return self._offsets(source)

    @contextmanager
    def open(self, source: TopicPartition, offset: int) -> Iterator[Readable]:
        """Open a snapshot for reading.

        Raises:
            SnapshotError: it is not there, or the store cannot be reached.
        """
        path = self._path(source, offset)
        with self._translated("read", path), self._backend.read(path) as stream:
            yield stream

    def write(self, source: TopicPartition, offset: int, write: Callable[[Writable], int]) -> Stored:
        """Write a snapshot and delete the oldest beyond those to keep.

        What cannot be deleted does not make the write fail: the result tells.

        Args:
            source: the partition.
            offset: the offset of the record that continues it.
            write: called once with a stream, unless the snapshot is already there; returns bytes.

        Raises:
            SnapshotError: it cannot be written; nothing of it stays.
        """
        path = self._path(source, offset)
        size = 0

        def count(stream: Writable) -> None:
            nonlocal size
            size = write(stream)

        with self._translated("write", path):
            created = self._backend.create(path, count)
        return Stored(size if created else 0, created, self._prune(source, offset))

    def discard(self, source: TopicPartition, offset: int) -> None:
        """Delete a snapshot that is of no use, so that another can be written in its place.

        Raises:
            SnapshotError: it cannot be deleted.
        """
        path = self._path(source, offset)
        with self._translated("delete", path):
            self._backend.delete(path)

    def place(self, source: TopicPartition, offset: int) -> str:
        """Return where a snapshot lies, without credentials."""
        return f"{self._shown.rstrip('/')}/{self._path(source, offset)}"

    def _prune(self, source: TopicPartition, newest: int) -> str | None:
        """Delete what is beyond those to keep; returns the first cause that kept one."""
        try:
            # Those beyond this offset are not this history's to count: a worker that fell behind
            # its successor must not delete what that one wrote.
            old = [each for each in self.offsets(source) if each <= newest][self._keep :]
        except SnapshotError as error:
            return str(error)
        causes = []
        for offset in old:
            try:
                self.discard(source, offset)
            except SnapshotError as error:
                causes.append(str(error))
        return causes[0] if causes else None

    def _offsets(self, source: TopicPartition) -> list[int]:
        names = [
            name.removesuffix(SUFFIX) for name in self._backend.names(self._folder(source)) if name.endswith(SUFFIX)
        ]
        return sorted((int(name) for name in names if len(name) == _DIGITS and name.isdecimal()), reverse=True)

    def _folder(self, source: TopicPartition) -> str:
        return f"{self._group}/{_quoted(source.topic)}/{source.partition}"

    def _path(self, source: TopicPartition, offset: int) -> str:
        return f"{self._folder(source)}/{offset:0{_DIGITS}d}{SUFFIX}"

    def _open(self, url: str, clock: Clock) -> Backend:
        if "://" not in url:
            return Folder(Path(url).expanduser(), clock)
        if url.startswith("file://"):
            return Folder(Path(urlsplit(url).path), clock)
        with self._translated("use", ""):
            return RemoteFolder(url)

    @contextmanager
    def _translated(self, doing: str, path: str) -> Iterator[None]:
        """Turn whatever a file system raises into a SnapshotError."""
        try:
            yield
        except SnapshotError:
            raise
        except Exception as error:  # noqa: BLE001 (each kind of store has errors of its own)
            place = f"{self._shown.rstrip('/')}/{path}".rstrip("/")
            cause = _cause(error)
            for secret in self._secrets:
                cause = cause.replace(secret, "***")
            # Not from the error: a log of the chain would show what was just masked.
            raise SnapshotError(f"cannot {doing} {place}: {cause}") from None


def without_credentials(url: str) -> str:
    """Return a URL with user name, password and query masked."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit(
        (parts.scheme, f"***@{host}" if at and user else host, parts.path, "***" if parts.query else "", "")
    )


def _secrets(url: str) -> tuple[str, ...]:
    """Return the parts of a URL that an error of its file system may repeat and nobody should read."""
    parts = urlsplit(url) if "://" in url else urlsplit("")
    found = (parts.netloc.rpartition("@")[0], parts.password, parts.query)
    return tuple(each for each in found if each)


def _quoted(name: str) -> str:
    """Make one part of a path of any name."""
    return quote(name, safe="") if name.strip(".") else name.replace(".", "%2E")


def _cause(error: Exception) -> str:
    """Say what is wrong and what to do about it."""
    remedies: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
        (ImportError, "install the package that it names; for s3:// it is the extra fraud-streamer[s3]"),
        (PermissionError, "give this process the right to list, read, write and delete there"),
        (FileNotFoundError, "make the bucket or correct snapshots.url"),
        (OSError, "see that the place is reachable and has room"),
    )
    remedy = next(
        (text for kind, text in remedies if isinstance(error, kind)), "correct snapshots.url or its credentials"
    )
    return f"{error or type(error).__name__}; {remedy}"
