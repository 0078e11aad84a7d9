"""Snapshots in a local folder."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from streamer.clock import Clock
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
        """Return the names of the files at a path; none where nothing is."""
        with suppress(FileNotFoundError):
            return [file.name for file in (self._root / path).iterdir()]
        return []

    @contextmanager
    def read(self, path: str) -> Iterator[FileIO]:
        """Open a file."""
        with (self._root / path).open("rb", buffering=0) as stream:
            yield stream

    def create(self, path: str, write: Callable[[Writable], None]) -> bool:
        """Make a file unless it exists; whole, or if `write` raises not at all.

        It gets its name when all of it is on the disk, by a link, which replaces nothing.

        Returns:
            Whether it was made; False where it exists.
        """
        target = self._root / path
        if target.exists():
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


def _sync_folder(folder: Path) -> None:
    """Make the new name outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
