"""What state costs in memory; measured in a process of its own, where nothing else grows.

Run as a module, it prints the bytes by which the process grew for as many users as it is told.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.bench.many_users import Crowd
from tests.bench.timing import Measurement

MOST_ROW_BYTES = 2_560
"""What a user's rows may take; the README sizes machines by it."""

_WARM_UP = 2_000
_ROOT = Path(__file__).parents[2]


def rows() -> Measurement:
    """Add up what a user takes by layout.

    Raises:
        RuntimeError: it is more than is promised. This is arithmetic, no matter of speed.
    """
    crowd = Crowd(_WARM_UP)
    taken = crowd.state.used_bytes / _WARM_UP
    if taken > MOST_ROW_BYTES:
        raise RuntimeError(f"a user takes {taken:.0f} bytes, more than the {MOST_ROW_BYTES} promised")
    return Measurement("memory", "rows of state", "bytes/user", (taken,))


def holding(users: int, merchants: int, times: int) -> Iterator[Measurement]:
    """Let users pay once each and see what that takes."""
    command = [sys.executable, "-m", "tests.bench.memory", str(users), str(merchants)]
    grown = [
        int(subprocess.run(command, cwd=_ROOT, capture_output=True, check=True, text=True).stdout) for _ in range(times)
    ]
    whole = f"{users:,} users, {merchants:,} merchants"
    yield Measurement("memory", f"process, {whole}", "MB", tuple(each / 1e6 for each in grown))
    yield Measurement("memory", f"a user of {users:,}", "bytes/user", tuple(each / users for each in grown))


def _growth(users: int, merchants: int) -> int:
    Crowd(_WARM_UP)  # compiles the kernel, which takes memory too
    process = psutil.Process()
    before = process.memory_info().rss
    crowd = Crowd(users, merchants)
    grown = process.memory_info().rss - before
    if crowd.state.users != users:
        raise RuntimeError(f"{crowd.state.users} users are held, not {users}")
    return int(grown)


if __name__ == "__main__":
    sys.stdout.write(f"{_growth(int(sys.argv[1]), int(sys.argv[2]))}\n")
