"""Snapshots in a local folder."""

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from streamer.clock import Clock
from streamer.errors import SnapshotError
from streamer.state.container import Writable

_PARTIAL = ".partial"
_OLD_S = 3_600.0
"""A file still being written changes more often than this; an older one's writer died."""


class Folder:
    """Files below a folder, which is made when first written to."""

    def __init__(self, root: Path, clock: Clock) -> None:
        """Name the folder."""
        self._root = root
        self._clock = clock

    def names(self, path: str) -> list[str]:
        """Return the names of the regular files at a path; none where nothing is."""
        with suppress(FileNotFoundError), os.scandir(self._root / path) as entries:
            return [entry.name for entry in entries if entry.is_file()]
        return []

    @contextmanager
    def read(self, path: str) -> Iterator[FileIO]:
        """Open a file.

        Raises:
            SnapshotError: something else is there, such as a pipe, which could be read for ever.
        """
        with FileIO(self._root / path, "rb", opener=_open_regular) as stream:
            yield stream

    def create(self, path: str, write: Callable[[Writable], None]) -> bool:
        """Make a file unless it exists; whole, or if `write` raises not at all.

        It gets its name when all of it is on the disk, by a link, which replaces nothing.

        Returns:
            Whether it was made; False where it exists.

        Raises:
            SnapshotError: something that is no file is in its place.
        """
        target = self._root / path
        if _is_file(target):
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        self._sweep(target.parent)
        handle, name = tempfile.mkstemp(suffix=_PARTIAL, dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                write(stream)
                stream.flush()
                os.fsync(stream.fileno())
            os.link(name, target)
        except FileExistsError:
            _is_file(target)
            return False
        finally:
            Path(name).unlink()
        _sync_folder(target.parent)
        return True

    def delete(self, path: str) -> None:
        """Delete a file; one that is gone is as good."""
        (self._root / path).unlink(missing_ok=True)

    def _sweep(self, folder: Path) -> None:
        """Delete what writers that died left."""
        for partial in folder.glob(f"*{_PARTIAL}"):
            with suppress(FileNotFoundError):  # another worker sweeps too
                if self._clock.wall() - partial.stat().st_mtime > _OLD_S:
                    partial.unlink()


def _is_file(path: Path) -> bool:
    """Return whether a file is there.

    Raises:
        SnapshotError: something else is.
    """
    if path.is_file():
        return True
    if os.path.lexists(path):
        raise SnapshotError(f"{path} is no regular file: remove it")
    return False


def _open_regular(path: str, flags: int) -> int:
    # Opened for blocking, a pipe that nobody writes to would hold the caller for ever.
    handle = os.open(path, flags | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise SnapshotError(f"{path} is no regular file: remove it")
    return handle


def _sync_folder(folder: Path) -> None:
    """Make the new name outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
