"""The worker of the demonstration: `streamer run` in a process of its own, ended with this one."""

import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from streamer.errors import EnvironmentFault, TransportError
from streamer.scrape import scrape
from streamer.transport import embedded_guard

TICK_S = 0.1
SHOWN_LINES = 3


class SubprocessWorker:
    """Starts the command and watches that it serves."""

    def __init__(self, command: Sequence[str], folder: Path, *, metrics_url: str) -> None:
        """Describe the process; a `with` block runs it.

        Args:
            command: what to run.
            folder: holds its log and process id.
            metrics_url: where it will serve.
        """
        self._command = command
        self._pidfile = folder / "worker.pid"
        self.log = folder / "worker.log"
        self.metrics_url = metrics_url
        self._guard: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it under guard: it is asked to stop when this process ends, however that happens."""
        guard = [sys.executable, "-I", "-S", embedded_guard.__file__, str(self._pidfile)]
        with self.log.open("ab") as output:
            self._guard = subprocess.Popen(  # noqa: S603 (our own program)
                [*guard, *self._command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C must reach the demo alone, which then stops the worker in order.
                start_new_session=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, in order if possible."""
        self.stop()

    def wait_until_serving(self, *, timeout_s: float, stopping: threading.Event) -> None:
        """Wait until the metrics port answers, or `stopping` is set.

        Raises:
            EnvironmentFault: the worker ended, or did not serve in time; shows its last log lines.
        """
        for _ in range(round(timeout_s / TICK_S)):
            self.require_running()
            try:
                scrape(self.metrics_url)
            except TransportError:
                if stopping.wait(TICK_S):
                    return
            else:
                return
        raise EnvironmentFault(f"the worker did not serve {self.metrics_url} in {timeout_s:g} s:\n{self._tail()}")

    def require_running(self) -> None:
        """Check that it still runs.

        Raises:
            EnvironmentFault: it ended; shows its last log lines.
        """
        if self._guard is None or self._guard.poll() is not None:
            code = None if self._guard is None else self._guard.returncode
            raise EnvironmentFault(f"the worker ended with exit code {code}; its log {self.log} says:\n{self._tail()}")

    def stop(self) -> int:
        """Ask it to drain and stop; return its exit code; safe to call twice."""
        if self._guard is None:
            return 0
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        return self._guard.wait(embedded_guard.GRACE_S + 5.0)

    def _tail(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return "\n".join(f"  {line}" for line in lines[-SHOWN_LINES:])
