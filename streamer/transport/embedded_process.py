"""The process of one embedded broker: started under guard, watched through its log, ended for sure."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from streamer.errors import EnvironmentFault
from streamer.transport import embedded_guard
from streamer.transport.embedded_jars import missing_extra

_TICK_S = 0.05
_SHOWN_LINES = 6
_REMEDIES = {
    "Address already in use": "the port is taken: end its owner or choose another port (0 takes any free one)",
    "Could not reserve enough space": "there is too little free memory for the heap: end other programs",
    "insufficient memory": "there is too little free memory: end other programs",
    "OutOfMemoryError": "the broker ran out of memory: give it a larger heap",
    "No space left on device": "the disk is full: free some space",
    "Permission denied": "the broker may not write its folder: choose another one",
    "ConfigException": "a broker property is wrong: set it right",
    "doesn't match stored": "the folder holds another cluster's data: delete it or choose another one",
}


def remedy(log: str) -> str:
    """Say what to do about a broker that ended with these log lines."""
    return next((text for sign, text in _REMEDIES.items() if sign in log), "its log tells more")


def last_words(log: str) -> str:
    """Return the end of a log without the frames of stack traces, indented."""
    lines = [line for line in log.splitlines() if line.strip() and not line.startswith("\t")]
    return "\n  ".join(["", *lines[-_SHOWN_LINES:]])


class FolderLock:
    """Keeps two live processes from using one folder; a dead owner holds nothing."""

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Raises:
            EnvironmentFault: a live process holds it.
        """
        self._file: IO[str] = path.open("a+", encoding="ascii")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            owner = self._file.read().strip() or "unknown"
            self._file.close()
            raise EnvironmentFault(
                f"the folder {str(path.parent)!r} is in use by process {owner}: "
                "end that process or choose another folder"
            ) from None
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """Let others have the folder; safe to call twice."""
        self._file.close()


class BrokerProcess:
    """One run of a broker; ends with the process that started it, however that ends."""

    def __init__(self, command: Sequence[str], *, pidfile: Path, log: Path) -> None:
        """Start the command under guard, in a session of its own, so that Ctrl-C does not reach it."""
        self._pidfile = pidfile
        self._mark = command[-1]
        self._log = log
        self._log_start = log.stat().st_size if log.exists() else 0
        guard = [sys.executable, "-I", "-S", embedded_guard.__file__, str(pidfile)]
        with log.open("ab") as output:
            self._guard = subprocess.Popen(  # noqa: S603 (our own script and java by full path)
                [*guard, *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_for(self, sign: str, *, timeout_s: float) -> None:
        """Wait until the log of this run holds a text.

        Raises:
            EnvironmentFault: the process ended first, or the time ran out; tells the last log lines.
        """
        deadline = time.monotonic() + timeout_s
        while sign not in self.output():
            ended = not self.running
            if ended or time.monotonic() > deadline:
                self.kill()
                log = self.output()
                what = "ended during its start" if ended else f"did not start within {timeout_s:g} s"
                raise EnvironmentFault(f"the embedded Kafka {what}: {remedy(log)} ({self._log}){last_words(log)}")
            time.sleep(_TICK_S)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._guard.poll() is None

    def output(self) -> str:
        """Return what this run has logged so far."""
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode("utf-8", errors="replace")

    def stop(self) -> None:
        """End it in an orderly way, by force after a while; safe to call twice."""
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        try:
            self._guard.wait(embedded_guard.GRACE_S + 5.0)
        except subprocess.TimeoutExpired:
            os.killpg(self._guard.pid, signal.SIGKILL)
            self._guard.wait()

    def kill(self) -> None:
        """End it at once, as a crash would; safe to call twice."""
        if self.running:
            os.killpg(self._guard.pid, signal.SIGKILL)
        self.stop()
        end_stale(self._pidfile, self._mark)


def end_stale(pidfile: Path, mark: str) -> None:
    """End the process whose guard is gone, if it still runs, and wait until it is gone too.

    Args:
        pidfile: holds its id; missing means there is none.
        mark: stands on the command line of that process alone, so that an id which the
            system gave to another process since is left in peace.
    """
    try:
        import psutil  # noqa: PLC0415 (an extra)
    except ImportError as error:
        raise missing_extra(error) from error

    def gone() -> bool:
        # A killed orphan stays a zombie where process 1 collects none, as in many containers.
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE

    try:
        process = psutil.Process(int(pidfile.read_text(encoding="ascii")))
        if mark in process.cmdline():
            process.terminate()
            deadline = time.monotonic() + embedded_guard.GRACE_S
            while not gone():
                if time.monotonic() > deadline:
                    process.kill()
                time.sleep(_TICK_S)
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        pass
    pidfile.unlink(missing_ok=True)
