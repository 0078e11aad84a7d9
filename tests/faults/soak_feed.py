"""The load of a soak: simulated payments without a pause, whatever the broker does."""

import threading
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from streamer.errors import RetriableTransportError
from streamer.events.record import Message
from streamer.settings import KafkaSettings
from streamer.transport.kafka import KafkaProducer

_BATCH = 50
_PATIENCE_S = 5.0


class Feed:
    """Writes pairs of key and value at a pace, on a thread of its own, until its `with` block ends."""

    def __init__(self, bootstrap: str, topic: str, pairs: Iterable[tuple[bytes, bytes]], *, per_second: float) -> None:
        """Prepare."""
        self._settings = KafkaSettings(bootstrap_servers=bootstrap)
        self._topic = topic
        self._pairs = iter(pairs)
        self._pause_s = _BATCH / per_second
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed")
        self.sent = 0

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait until everything sent is with the broker."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        producer = KafkaProducer(self._settings)
        try:
            while not self._stopping.is_set():
                due = time.monotonic() + self._pause_s
                for key, value in (next(self._pairs) for _ in range(_BATCH)):
                    producer.send(Message(self._topic, key, value))
                    self.sent += 1
                while not _flushed(producer):
                    continue
                self._stopping.wait(max(0.0, due - time.monotonic()))
        finally:
            producer.close()


def _flushed(producer: KafkaProducer) -> bool:
    """Tell whether all is acknowledged; what is not is sent still."""
    try:
        producer.flush(timeout_s=_PATIENCE_S)
    except RetriableTransportError:
        return False
    return True
