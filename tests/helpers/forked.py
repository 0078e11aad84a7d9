"""The command line in processes that start quickly: what takes seconds to import is imported once.

They are forked from a server that holds torch and numba ready, and end with the tests even if
those are killed.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import wait
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.saboteur import Sabotage
from tests.helpers.worker import PATIENCE_S, RunningWorker, Topics, command_arguments, until_the_end, worker_flags

_READY = ("pytest", "streamer.cli.assembly", "tests.helpers.warm")

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(list(_READY))


class Forked:
    """One run of the command line."""

    def __init__(
        self, arguments: Sequence[str], log: Path, sabotage: Sequence[Sabotage] = (), *, errors: Path | None = None
    ) -> None:
        """Start it.

        Args:
            arguments: those after `streamer`.
            log: where its output goes; continued where it exists.
            sabotage: what is to go wrong in it.
            errors: where its standard error goes instead, if elsewhere.
        """
        log.touch()
        targets = (str(log), str(errors or log))
        self._process = _FORKS.Process(target=_serve, args=(list(arguments), targets, tuple(sabotage)), daemon=True)
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


@contextmanager
def forked_worker(topics: Topics, bundle: Path, log: Path, *more: str) -> Iterator[RunningWorker]:
    """Run a worker until the block ends; it is ready when the block begins."""
    process = Forked(command_arguments("run", worker_flags(topics, bundle), *more), log)
    with until_the_end(RunningWorker(process, log)) as running:
        yield running


def run_forked(arguments: Sequence[str], *, within_s: float = PATIENCE_S) -> "subprocess.CompletedProcess[str]":
    """Run a command that must end by itself."""
    with TemporaryDirectory() as folder:
        output, errors = Path(folder, "output"), Path(folder, "errors")
        process = Forked(arguments, output, errors=errors)
        try:
            code = process.wait(within_s)
        finally:
            process.kill()
        return subprocess.CompletedProcess(list(arguments), code, output.read_text(), errors.read_text())


def _serve(arguments: list[str], targets: tuple[str, str], sabotage: tuple[Sabotage, ...]) -> None:
    for descriptor, target in enumerate(targets, start=1):
        os.dup2(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), descriptor)
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
