"""Dead letters on an in-memory broker, made as the worker makes them."""

import itertools
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing

from streamer.alerts.dead_letter import dead_letter
from streamer.events.decode import decode
from streamer.events.record import Headers, Message, Record
from streamer.settings import EventSettings
from streamer.transport.bounded import BoundedTopic
from streamer.transport.memory import MemoryBroker

HOME, LETTERS = "transactions", "dead-letters"
LIMIT = 1_000_000

RUBBISH = {
    "missing_field": b'{"transaction_id":"t","amount":1,"timestamp":1750000000000}',
    "bad_json": b'{"transaction_id":"t","user_id":"u"',
    "wrong_type": b'{"transaction_id":1.5}',
    "empty": b"",
}


class Letters:
    """A broker whose dead-letter topic is filled as by a worker."""

    def __init__(self, partitions: int = 2) -> None:
        self.clock_ms = 1_750_000_000_000
        self.broker = MemoryBroker({HOME: partitions, LETTERS: partitions}, now_ms=lambda: self.clock_ms)
        self._groups = itertools.count()

    def reject(self, record: Record, *, limit: int = LIMIT) -> None:
        """Dead-letter a record that is no transaction."""
        _, (rejected,) = decode([record], EventSettings())
        self.broker.append([dead_letter(rejected, LETTERS, worker="w-1", version="0.1.0", max_bytes=limit)])

    def add(
        self, value: bytes, *, key: bytes | None = b"u1", headers: Headers = (), offset: int = 7, topic: str = HOME
    ) -> None:
        """Dead-letter a value."""
        self.reject(Record(topic, 0, offset, key, value, headers, self.clock_ms))

    def send(self, messages: Sequence[Message]) -> None:
        """Write anything."""
        self.broker.append(messages)

    def open(self) -> AbstractContextManager[BoundedTopic]:
        """Open the dead-letter topic."""
        consumer = self.broker.consumer(f"reader-{next(self._groups)}")
        return closing(BoundedTopic(consumer, [LETTERS]))
