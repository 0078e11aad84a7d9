"""What kafka-python may log: no secrets, nothing that other lines tell, and the same line not over and over."""

import copy
import logging
from collections.abc import Callable
from types import MappingProxyType

QUIET_S = 10.0
"""A line that was logged is not logged again for so long."""

ECHOES = MappingProxyType(
    {
        # Of a connection that is lost: "Connection lost: (the cause)" is logged as well, and kept.
        "kafka.net.transport": (
            "socket disconnected",
            "Error receiving network data",
            "Error sending request data",
            "Abort (",
        ),
        "kafka.net.manager": ("Connection failed: ", "Bootstrap "),
        "kafka.cluster": ("No node available for metadata refresh", "Metadata refresh: failed"),
        "kafka.coordinator": ("Error sending ", "LeaveGroup request failed"),
        "kafka.consumer.fetcher": ("Fetch to node ",),
        # Of what this program raises, and logs or answers where it is caught.
        "kafka.net.connection": ("bootstrap-",),
        "kafka.coordinator.heartbeat": ("fenced id error", "caught fenced group_instance_id"),
        "kafka.producer.sender": (
            "exception when trying to find a node",
            "Error sending produce request",
            "Aborting producer batches due to fatal error",
        ),
        "kafka.producer.transaction_manager": ("Fatal Error handling request", "Bumping producer epoch"),
        # Of nothing: it is said of callbacks that keep no heartbeat waiting, as ours are.
        "kafka.coordinator.consumer": ("Rebalance listener ",),
    }
)
"""By logger, parts of lines that tell an operator nothing new."""

_CLOSING = "Cancelled"
"""How a request ends, in the texts of errors, when this program closes the client that waits for its answer."""


def tame_logs() -> None:
    """Keep secrets, echoes and repetitions of kafka-python out of the logs; to be called before each connection."""
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
    """Passes records on that are no echoes: of each place in the source one in `QUIET_S`.

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
        text = record.getMessage()
        if text.endswith(_CLOSING) or any(part in text for part in ECHOES.get(record.name, ())):
            return
        # Not by text: kafka-python puts names and times into its templates.
        place = (record.pathname, record.lineno)
        if record.created - self._spoke_at.get(place, float("-inf")) < QUIET_S:
            self._left_out[place] = self._left_out.get(place, 0) + 1
            return
        self._spoke_at[place] = record.created
        left_out = self._left_out.pop(place, 0)
        if left_out:
            record = copy.copy(record)
            record.msg, record.args = f"{text} (and {left_out} times since this was logged last)", None
        self._forward(record)
