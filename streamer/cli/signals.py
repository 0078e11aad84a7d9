"""Orderly stops: the first signal asks, the second insists, a timer bounds the wait."""

import os
import signal
import sys
import threading
import time
from types import FrameType

from streamer.cli.exits import Exit

ECHO_S = 1.0
"""Supervisors that signal a process and then its group send two signals for one wish."""


def stop_on_signals(stopping: threading.Event, *, drain_timeout_s: float) -> None:
    """Set `stopping` at SIGTERM or SIGINT; end the process hard if it does not stop in time.

    A second signal ends it at once, as an impatient operator expects.
    """

    def end(message: str, code: int) -> None:
        sys.stderr.write(f"streamer: {message}\n")
        sys.stderr.flush()
        os._exit(code)

    first_at = 0.0

    def handle(number: int, _: FrameType | None) -> None:
        nonlocal first_at
        now = time.monotonic()
        if stopping.is_set():
            if now - first_at < ECHO_S:
                return
            end("second signal, stopping at once; uncommitted records will be read again", 128 + number)
        first_at = now
        stopping.set()
        late = f"not drained within {drain_timeout_s:g} s; uncommitted records will be read again"
        timer = threading.Timer(drain_timeout_s, end, (late, Exit.DRAIN_TIMEOUT))
        timer.daemon = True
        timer.start()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
