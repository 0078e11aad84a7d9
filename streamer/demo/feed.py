"""Sends simulated payments to the input topic, in a thread of its own."""

import threading
from collections.abc import Callable, Iterable

from streamer.clock import Clock
from streamer.demo.scoreboard import Scoreboard
from streamer.errors import StreamerError
from streamer.events.record import Message
from streamer.simulate.event import SimulatedEvent, encode
from streamer.transport.base import Producer

FLUSH_EVERY = 2_000
TICK_S = 0.02
FLUSH_TIMEOUT_S = 30.0


class Feed(threading.Thread):
    """Sends events until they end or `stopping` is set."""

    def __init__(
        self,
        events: Iterable[SimulatedEvent],
        connect: Callable[[], Producer],
        topic: str,
        clock: Clock,
        *,
        rate: float | None = None,
        scoreboard: Scoreboard | None = None,
    ) -> None:
        """Describe the feed; `start` begins it.

        Args:
            events: what to send, in order.
            connect: makes the producer, within the thread that will use it.
            topic: where to.
            clock: paces the feed.
            rate: events a second; None for as fast as the broker takes them.
            scoreboard: learns the truth of every event before it is sent.
        """
        super().__init__(name=f"feed of {topic}", daemon=True)
        self._events = events
        self._connect = connect
        self._topic = topic
        self._clock = clock
        self._rate = rate
        self._scoreboard = scoreboard
        self.stopping = threading.Event()
        self.sent = 0
        self.failure: StreamerError | None = None

    def run(self) -> None:
        """Send; a failure is kept for the thread that watches."""
        try:
            producer = self._connect()
            try:
                self._send_all(producer)
                producer.flush(timeout_s=FLUSH_TIMEOUT_S)
            finally:
                producer.close()
        except StreamerError as error:
            self.failure = error

    def _send_all(self, producer: Producer) -> None:
        begin = self._clock.monotonic()
        for number, event in enumerate(self._events):
            if self.stopping.is_set():
                return
            if self._rate is not None:
                ahead = number / self._rate - (self._clock.monotonic() - begin)
                if ahead > TICK_S and self.stopping.wait(ahead):
                    return
            elif number % FLUSH_EVERY == FLUSH_EVERY - 1:
                producer.flush(timeout_s=FLUSH_TIMEOUT_S)
            transaction = event.transaction
            if self._scoreboard is not None:
                self._scoreboard.produced(
                    str(transaction.transaction_id), number, kind=event.fraud, episode=event.episode
                )
            key = str(transaction.user_id).encode()
            producer.send(Message(self._topic, key, encode(transaction)))
            self.sent = number + 1
