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

_WARM_UP = 2_000
_ROOT = Path(__file__).parents[2]


def holding(users: int, times: int) -> Iterator[Measurement]:
    """Let users pay once each and see what that takes."""
    crowd = Crowd(_WARM_UP)
    rows = crowd.state.used_bytes / _WARM_UP
    yield Measurement("memory", "rows of state", "bytes/user", (rows,))
    command = [sys.executable, "-m", "tests.bench.memory", str(users)]
    grown = [
        int(subprocess.run(command, cwd=_ROOT, capture_output=True, check=True, text=True).stdout) for _ in range(times)
    ]
    what = f"process, {users:,} users"
    yield Measurement("memory", what, "MB", tuple(each / 1e6 for each in grown))
    yield Measurement("memory", "process, each user", "bytes/user", tuple(each / users for each in grown))


def _growth(users: int) -> int:
    Crowd(_WARM_UP)  # compiles the kernel, which takes memory too
    process = psutil.Process()
    before = process.memory_info().rss
    crowd = Crowd(users)
    grown = process.memory_info().rss - before
    if crowd.state.users != users:
        raise RuntimeError(f"{crowd.state.users} users are held, not {users}")
    return int(grown)


if __name__ == "__main__":
    sys.stdout.write(f"{_growth(int(sys.argv[1]))}\n")
