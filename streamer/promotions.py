"""Which of the bundles in a folder is in use, and which were before.

    bundles/
    ├── 2025-03/             a bundle
    ├── 2025-04/             another one
    ├── promotions.json      every promotion and every rollback, the newest last
    └── promotions.lock      held by whoever changes it

One file says both what is in use and what was, and it is replaced by one rename: after a crash at
any moment it is whole, and the old or the new one. Who decides by what it says and then changes it,
does both under the lock, or looks again.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from streamer.errors import BundleError, EnvironmentFault

FORMAT = 1
PROMOTIONS = "promotions.json"
LOCK = "promotions.lock"


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the bundle in use.

    Attributes:
        kind: what happened.
        bundle: folder name of the bundle that is in use from then on.
        sha256: its digest.
        at: milliseconds since the epoch.
        overruled: objections that it was promoted in spite of.
    """

    kind: Literal["promote", "rollback"]
    bundle: str
    sha256: str
    at: int
    overruled: tuple[str, ...] = ()


class Promotions(msgspec.Struct, frozen=True, kw_only=True):
    """All changes of the bundle in use.

    Attributes:
        format: version of this layout.
        moves: oldest first.
    """

    format: int = FORMAT
    moves: tuple[Move, ...] = ()

    @property
    def line(self) -> tuple[Move, ...]:
        """The promotions that were not rolled back, the one in use last."""
        line: list[Move] = []
        for move in self.moves:
            if move.kind == "promote":
                line.append(move)
            else:
                line.pop()
        return tuple(line)

    @property
    def current(self) -> Move | None:
        """The promotion of the bundle in use."""
        return self.line[-1] if self.line else None

    @property
    def before(self) -> Move | None:
        """The promotion that a rollback returns to."""
        return self.line[-2] if len(self.line) > 1 else None

    def and_then(self, move: Move) -> "Promotions":
        """Add a change."""
        return Promotions(moves=(*self.moves, move))


def read_promotions(folder: Path) -> Promotions:
    """Read which bundle is in use; none is where there is no such file.

    Raises:
        BundleError: the file is damaged or of another format.
    """
    path = folder / PROMOTIONS
    try:
        raw = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return Promotions()
    except OSError as error:
        raise BundleError(f"{str(path)!r} cannot be read: {error.strerror or error}") from error
    try:
        return _checked(msgspec.json.decode(raw, type=Promotions))
    except (msgspec.MsgspecError, ValueError, IndexError) as error:
        raise BundleError(
            f"{str(path)!r} does not say which bundle is in use ({error}): restore it, or remove it and promote a "
            "bundle anew"
        ) from error


def _checked(found: Promotions) -> Promotions:
    """Return promotions that can be followed.

    Raises:
        ValueError: they cannot.
        IndexError: more was rolled back than promoted.
    """
    if found.format != FORMAT:
        raise ValueError(f"its format is {found.format}, this program reads {FORMAT}")
    if any(Path(move.bundle).name != move.bundle or not move.bundle for move in found.moves):
        raise ValueError("it names a bundle outside its folder")
    if [move.sha256 for move in found.moves[-1:]] != [move.sha256 for move in found.line[-1:]]:
        raise ValueError("its last rollback does not lead to the promotion before")
    return found


@contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Keep others from changing which bundle is in use until the block ends.

    Raises:
        EnvironmentFault: the folder cannot be written to.
    """
    try:
        lock = (folder / LOCK).open("ab")
    except OSError as error:
        raise EnvironmentFault(f"{str(folder)!r} cannot be written to: {error}") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Closing gives it up, so does the end of the process, however it ends.
        yield


def write_promotions(folder: Path, promotions: Promotions) -> None:
    """Replace the file at once; only to be called under `changing`.

    Raises:
        EnvironmentFault: it cannot be written.
    """
    target = folder / PROMOTIONS
    unfinished = target.with_name(PROMOTIONS + ".unfinished")
    try:
        with unfinished.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(promotions), indent=2))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
        directory = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise EnvironmentFault(f"{str(target)!r} cannot be written: {error}") from error
