"""Runs workers one after another: one that was fenced is followed by a new one, which starts from what is committed."""

import threading
from collections.abc import Callable
from typing import Protocol

import structlog

from streamer.clock import Clock
from streamer.errors import FencedError, RetriableTransportError
from streamer.health import Health
from streamer.metrics import Metrics

log = structlog.get_logger()

MOST_FENCINGS = 5
"""So many within the window are no accident: two processes bear one name and fence one another."""
WINDOW_S = 120.0
FIRST_PAUSE_S = 0.5


class Runnable(Protocol):
    """What `Worker` is to its supervisor."""

    def run(self, stopping: threading.Event) -> None:
        """Work until told to stop."""
        ...


def supervise(
    build: Callable[[], Runnable], stopping: threading.Event, *, clock: Clock, health: Health, metrics: Metrics
) -> None:
    """Run a worker until `stopping` is set, and a new one whenever another process took over.

    Args:
        build: connects and puts a worker together, without any state.
        stopping: ends the work.
        clock: gives all times.
        health: told that the process lives while it waits.
        metrics: counts the restarts.

    Raises:
        FencedError: it happened too often.
        StreamerError: the first worker cannot be built, or one cannot go on.
    """
    fenced_at: list[float] = []
    while not stopping.is_set():
        try:
            worker = build()
            health.fenced(None)
            worker.run(stopping)
        except RetriableTransportError as error:
            # While it connects or joins: once it works, a worker waits for its broker by itself.
            if not fenced_at:
                raise
            log.warning("broker is away, trying again", cause=str(error))
            health.beat()
            stopping.wait(FIRST_PAUSE_S)
        except FencedError as error:
            now = clock.monotonic()
            fenced_at = [*(at for at in fenced_at if now - at < WINDOW_S), now]
            if len(fenced_at) >= MOST_FENCINGS:
                raise FencedError(
                    f"{error}; this happened {len(fenced_at)} times within {WINDOW_S:.0f} s: does another worker "
                    "bear the same kafka.transactional_id or kafka.group_instance_id?"
                ) from error
            pause_s = FIRST_PAUSE_S * 2 ** (len(fenced_at) - 1)
            # Once happens when a process that was thought dead comes back; twice means that there are two.
            tell = log.warning if len(fenced_at) == 1 else log.error
            tell(
                "another process took over; starting anew from what is committed",
                cause=str(error),
                times=len(fenced_at),
                within_s=WINDOW_S,
                pause_s=pause_s,
            )
            health.fenced(str(error))
            metrics.restarted()
            health.beat()
            stopping.wait(pause_s)
