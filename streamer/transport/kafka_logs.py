"""What kafka-python may log: no secrets, and the same line not over and over."""

import copy
import logging
from collections.abc import Callable

QUIET_S = 10.0
"""A line that was logged is not logged again for so long."""


def tame_logs() -> None:
    """Keep secrets and repetitions of kafka-python out of the logs; to be called before each connection."""
    logger = logging.getLogger("kafka")
    # At level DEBUG, kafka-python logs requests whole: passwords of PLAIN, keys and values of records.
    if logger.getEffectiveLevel() < logging.INFO:
        logger.setLevel(logging.INFO)
    if not any(isinstance(handler, SparseForwarder) for handler in logger.handlers):
        # Filters of a logger do not see what its children log, handlers do; and whoever listens at
        # this logger for the cause of a failure must go on hearing everything.
        logger.addHandler(SparseForwarder(logging.getLogger().handle))
        logger.propagate = False


class SparseForwarder(logging.Handler):
    """Passes records on: of each place in the source one in `QUIET_S`.

    The next one that is passed on tells how many were left out. Times are those of the records.
    """

    def __init__(self, forward: Callable[[logging.LogRecord], object]) -> None:
        """Begin without having heard anything."""
        super().__init__()
        self._forward = forward
        self._spoke_at: dict[tuple[str, int], float] = {}
        self._left_out: dict[tuple[str, int], int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Forward a record, or count it."""
        # Not by text: kafka-python puts names and times into its templates.
        place = (record.pathname, record.lineno)
        if record.created - self._spoke_at.get(place, float("-inf")) < QUIET_S:
            self._left_out[place] = self._left_out.get(place, 0) + 1
            return
        self._spoke_at[place] = record.created
        left_out = self._left_out.pop(place, 0)
        if left_out:
            record = copy.copy(record)
            record.msg, record.args = f"{record.getMessage()} (and {left_out} times since this was logged last)", None
        self._forward(record)
