"""Runs one command and ends it when the starting process ends, however that happens.

Run as a script, by path and with the standard library alone: `embedded_guard.py PIDFILE COMMAND…`.
Its standard input is a pipe whose other end the starting process holds and never writes to:
end of file means that the process is gone, even when it was killed.
"""

import os
import select
import subprocess
import sys
from pathlib import Path

GRACE_S = 15.0
_TICK_S = 0.1


def main(pidfile: str, command: list[str]) -> int:
    """Run the command until it ends or standard input closes; return its exit code."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as child:  # noqa: S603 (the caller's own)
        Path(pidfile).write_text(f"{child.pid}\n", encoding="ascii")
        while child.poll() is None:
            readable, _, _ = select.select([sys.stdin.fileno()], [], [], _TICK_S)
            if readable and not os.read(sys.stdin.fileno(), 1):
                _end(child)
        Path(pidfile).unlink(missing_ok=True)
        return child.returncode


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    try:
        child.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
