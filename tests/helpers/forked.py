"""The command line in processes that start quickly: what takes seconds to import is imported once.

They are forked from a server that holds torch and numba ready, and end with the tests even if
those are killed.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Sequence
from multiprocessing.connection import wait
from pathlib import Path

from tests.faults.saboteur import Sabotage

_READY = ("pytest", "streamer.cli.assembly", "tests.helpers.warm")

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(list(_READY))


class Forked:
    """One run of the command line."""

    def __init__(self, arguments: Sequence[str], log: Path, sabotage: Sequence[Sabotage] = ()) -> None:
        """Start it.

        Args:
            arguments: those after `streamer`.
            log: where its output goes; continued where it exists.
            sabotage: what is to go wrong in it.
        """
        log.touch()
        self._process = _FORKS.Process(target=_serve, args=(list(arguments), str(log), tuple(sabotage)), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """Id of the process."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit code; the negative signal of one that was killed; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """See `returncode`."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Signal it, unless it ended."""
        if self._process.is_alive():
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once, stopped or not."""
        self._process.kill()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return the exit code.

        Raises:
            TimeoutError: it runs still.
        """
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise TimeoutError(f"process {self.pid} did not end within {timeout} s")
        return code


def _serve(arguments: list[str], log: str, sabotage: tuple[Sabotage, ...]) -> None:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()
    for each in sabotage:
        each.install()
    sys.argv = ["streamer", *arguments]
    from streamer.cli.app import main

    main()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGKILL)
