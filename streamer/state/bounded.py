"""Calls that may hang for ever, such as those of a file system whose server is gone."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from streamer.errors import SnapshotError

T = TypeVar("T")


class Bounded:
    """Runs one call at a time on a thread, and gives up those that take too long.

    Nothing ends a system call that hangs. Its thread is left behind, and while it is there, further
    calls fail at once: each would only hang as well, and cost its time again.
    """

    def __init__(self, name: str) -> None:
        """Name the threads."""
        self._name = name
        self._given_up: threading.Thread | None = None

    def run(self, call: Callable[[], T], *, timeout_s: float, doing: str) -> T:
        """Return what a call returns, or raise what it raises.

        Args:
            call: what to do; its result is dropped if it comes too late.
            timeout_s: how long to wait for it.
            doing: what it does, for messages.

        Raises:
            SnapshotError: it takes longer, or an earlier call still hangs.
        """
        if self._given_up is not None and self._given_up.is_alive():
            raise SnapshotError(f"{doing} is not tried: the store still hangs in an earlier call; see why")
        if timeout_s <= 0:
            raise SnapshotError(f"{doing} is not tried: no time is left for snapshots; see why the store is slow")
        result: Future[T] = Future()

        def work() -> None:
            try:
                result.set_result(call())
            except BaseException as error:  # noqa: BLE001 (all of them are the caller's to handle)
                result.set_exception(error)

        # A daemon: a store that hangs must not keep the process from ending.
        thread = threading.Thread(target=work, name=self._name, daemon=True)
        thread.start()
        if not wait([result], timeout_s).done:
            self._given_up = thread
            raise SnapshotError(f"{doing} took longer than {timeout_s:.0f} s; see why the store is slow or hangs")
        return result.result()
