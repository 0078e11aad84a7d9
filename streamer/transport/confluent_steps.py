"""Steps of a transaction that librdkafka may never return from, whatever time it was given.

Seen of `send_offsets_to_transaction` after a broker's restart: it waits for ever for a coordinator.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswerError

from confluent_kafka import KafkaError, KafkaException

_SPARE_S = 4.0
"""librdkafka keeps to its time by the length of one request; later than this it is stuck."""


class Steps:
    """Takes one step after another on a thread of its own, which is left behind when it is stuck.

    What is left behind holds on to its client; that client's name is fenced by the next one of it.
    """

    def __init__(self, spare_s: float = _SPARE_S) -> None:
        """Begin without a thread.

        Args:
            spare_s: how much longer than it should a step may take.
        """
        self._spare_s = spare_s
        self._todo: queue.SimpleQueue[tuple[Callable[[], None], Future[None]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self.stuck = False

    def take(self, step: Callable[[float], None], within_s: float) -> None:
        """Take a step, which is told how long it may take.

        Raises:
            KafkaException: what the step raised, or that it is stuck: `stuck` is true then, and for ever.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=_work, args=(self._todo,), name="transaction-steps", daemon=True)
            self._thread.start()
        answer: Future[None] = Future()
        self._todo.put((lambda: step(within_s), answer))
        try:
            answer.result(within_s + self._spare_s)
        except NoAnswerError:
            self.stuck = True
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "the client is stuck and given up")) from None

    def end(self) -> None:
        """Let the thread end when it can."""
        self._todo.put(None)


def _work(todo: "queue.SimpleQueue[tuple[Callable[[], None], Future[None]] | None]") -> None:
    while (task := todo.get()) is not None:
        step, answer = task
        try:
            step()
        except BaseException as error:  # noqa: BLE001 (raised again where it is waited for)
            answer.set_exception(error)
        else:
            answer.set_result(None)
