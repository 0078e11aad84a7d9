"""What producers to Kafka do alike, by whichever client library they write."""

from abc import abstractmethod

from streamer.errors import RetriableTransportError
from streamer.events.record import Message
from streamer.settings import KafkaSettings
from streamer.transport.closed_once import ClosedOnce
from streamer.transport.kafka_admin import require_topics
from streamer.transport.message_size import require_sendable


class QueueingProducer(ClosedOnce):
    """The part of a `Producer` that is the same by either client library."""

    def __init__(self, settings: KafkaSettings) -> None:
        """Have nothing queued."""
        super().__init__("producer")
        self._settings = settings
        self._known: set[str] = set()

    @property
    def max_message_bytes(self) -> int:
        """See `Producer.max_message_bytes`."""
        return self._settings.max_message_bytes

    def send(self, message: Message) -> None:
        """See `Producer.send`."""
        self._require_open()
        require_sendable(message, self.max_message_bytes)
        # kafka-python would ask for a missing topic without pause until its time is up; a broker may
        # make one that librdkafka asks for.
        if message.topic not in self._known:
            require_topics(self._settings, [message.topic])
            self._known.add(message.topic)
        self._queue(message)

    @abstractmethod
    def _queue(self, message: Message) -> None:
        """Give a message to the client."""

    def _unacknowledged(self, timeout_s: float) -> RetriableTransportError:
        return RetriableTransportError(
            f"not all messages were acknowledged within {timeout_s:g} s by {self._settings.bootstrap_servers}: "
            f"is the broker there, and is each topic of {', '.join(sorted(self._known))}?"
        )
