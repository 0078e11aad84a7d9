"""What the processes of one test session make once for all of them."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

import pytest


def made_once(folders: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that one process has filled; the others wait for it.

    Args:
        folders: where the session keeps its files.
        name: of the folder.
        make: fills an empty folder that is not yet where it will be.
    """
    own = folders.getbasetemp()
    # Each process of pytest-xdist has a folder of its own in the session's.
    common = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder = common / name
    with (common / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            staged = Path(mkdtemp(dir=common))
            make(staged)
            staged.rename(folder)
    return folder
