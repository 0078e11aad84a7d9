"""librdkafka's log among ours: what it repeats while a broker is away, once in a while."""

import time
from collections.abc import Callable

import structlog

QUIET_S = 10.0
"""A kind of line that was logged is not logged again for so long."""

log = structlog.get_logger()


class SparseLog:
    """What librdkafka's clients take for a logger.

    They tell all that is lost by themselves: a line is never more than a warning.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Begin without having heard anything."""
        self._monotonic = monotonic
        self._spoke_at: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def log(self, level: int, template: str, kind: str, client: str, line: str) -> None:  # noqa: ARG002
        """Log a line, or count it; called by librdkafka.

        Args:
            level: severity, as in `logging`; a lost connection is as severe as anything to librdkafka.
            template: for the three that follow.
            kind: librdkafka's name for lines of this kind.
            client: its name for the client.
            line: the text.
        """
        now = self._monotonic()
        if now - self._spoke_at.get(kind, float("-inf")) < QUIET_S:
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            return
        self._spoke_at[kind] = now
        log.warning("librdkafka", kind=kind, client=client, line=line, left_out=self._left_out.pop(kind, 0))
