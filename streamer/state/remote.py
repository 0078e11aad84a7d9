"""Snapshots in a store of objects, such as S3, or any other file system that fsspec knows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

from fsspec.core import url_to_fs
from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

from streamer.state.container import Readable, Writable

_PART_BYTES = 8 << 20
"""What is sent at once, and held in memory until then."""

_IMPATIENT: dict[str, object] = {
    "config_kwargs": {"connect_timeout": 5, "read_timeout": 20, "retries": {"max_attempts": 2}}
}
_OPTIONS = {"s3": _IMPATIENT, "s3a": _IMPATIENT}
"""A store that is away must be known to be so before the group takes a worker that waits for dead."""


class RemoteFolder:
    """Files below a URL."""

    def __init__(self, url: str) -> None:
        """Name the URL; credentials come from it or from where its file system looks for them.

        Raises:
            ImportError: a package for this kind of URL is not installed.
            ValueError: no such kind is known.
        """
        scheme = url.partition("://")[0]
        fs, root = url_to_fs(url, use_listings_cache=False, skip_instance_cache=True, **_OPTIONS.get(scheme, {}))
        self._fs: AbstractFileSystem = fs
        self._root = root.rstrip("/")

    def names(self, path: str) -> list[str]:
        """Return the names of the files at a path; none where nothing is."""
        place = self._place(path)
        self._fs.invalidate_cache(place)  # other workers write too
        try:
            found: list[dict[str, object]] = self._fs.ls(place, detail=True)
        except FileNotFoundError:
            return []
        return [str(each["name"]).rpartition("/")[2] for each in found if each["type"] == "file"]

    @contextmanager
    def read(self, path: str) -> Iterator[Readable]:
        """Open a file."""
        with self._fs.open(self._place(path), "rb") as stream:
            yield cast("Readable", stream)

    def create(self, path: str, write: Callable[[Writable], None]) -> bool:
        """Make a file unless it exists; whole, or if `write` raises not at all.

        It appears when the last part was taken, and only if no other has appeared by then.

        Returns:
            Whether it was made; False where it exists.

        Raises:
            NotImplementedError: the store cannot promise that.
        """
        place = self._place(path)
        if self._fs.exists(place):
            return False
        stream = self._fs.open(place, "xb", block_size=_PART_BYTES)
        if not isinstance(stream, AbstractBufferedFile):
            raise NotImplementedError("this kind of store shows a file before all of it is written")
        try:
            write(stream)
        except BaseException:
            _discard(stream)
            raise
        try:
            stream.close()
        except OSError:
            _discard(stream)
            # Stores word a failed condition differently; whether a file is there is plain.
            self._fs.invalidate_cache(place)
            if self._fs.exists(place):
                return False
            raise
        return True

    def delete(self, path: str) -> None:
        """Delete a file; one that is gone is as good."""
        place = self._place(path)
        try:
            self._fs.rm_file(place)
        except FileNotFoundError:
            return

    def _place(self, path: str) -> str:
        return f"{self._root}/{path}"


def _discard(stream: AbstractBufferedFile) -> None:
    """Give up a file and the parts that were sent; closing it would make it, cut short."""
    stream.discard()
    stream.closed = True
