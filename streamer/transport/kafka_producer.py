"""Writing to Kafka: idempotent, acknowledged by all replicas in sync, every refusal told."""

from functools import partial

from kafka.errors import KafkaError, KafkaTimeoutError

from streamer.errors import FencedError, RetriableTransportError, TransportError
from streamer.events.record import Message
from streamer.settings import KafkaSettings
from streamer.transport.kafka_admin import require_topics
from streamer.transport.kafka_writing import AbandoningProducer, connect_producer, refusal, send
from streamer.transport.message_size import require_sendable

_CLOSE_TIMEOUT_S = 3.0
_LINGER_MS = 2


class KafkaProducer:
    """A `Producer` whose writes are idempotent and acknowledged by all replicas in sync."""

    def __init__(self, settings: KafkaSettings) -> None:
        """Connect.

        Raises:
            TransportError: the connection failed; names cause and remedy.
        """
        self._settings = settings
        self._producer: AbandoningProducer | None = self._connect()
        self._known: set[str] = set()
        self._refused: list[tuple[str, KafkaError]] = []
        self._closed = False

    @property
    def max_message_bytes(self) -> int:
        """See `Producer.max_message_bytes`."""
        return self._settings.max_message_bytes

    def send(self, message: Message) -> None:
        """See `Producer.send`."""
        self._require_open()
        require_sendable(message, self.max_message_bytes)
        self._require_topic(message.topic)
        self._producer = self._producer or self._connect()
        send(self._producer, message).add_errback(partial(self._note, message.topic))

    def flush(self, *, timeout_s: float) -> None:
        """See `Producer.flush`."""
        self._require_open()
        if self._producer is None:
            return
        try:
            self._producer.flush(timeout_s)
        except KafkaTimeoutError as error:
            raise RetriableTransportError(
                f"not all messages were acknowledged within {timeout_s:g} s by {self._settings.bootstrap_servers}: "
                f"is the broker there, and is each topic of {', '.join(sorted(self._known))}?"
            ) from error
        refused, self._refused = self._refused, []
        if refused:
            fault = refusal(refused)
            if not isinstance(fault, FencedError | RetriableTransportError):
                # After a refusal, kafka-python's idempotent producer refuses everything.
                self._drop()
            raise fault

    def close(self) -> None:
        """See `Producer.close`."""
        if not self._closed:
            self._closed = True
            self._drop()

    def _require_topic(self, topic: str) -> None:
        # kafka-python would ask for a missing topic without pause until its time is up.
        if topic not in self._known:
            require_topics(self._settings, [topic])
            self._known.add(topic)

    def _connect(self) -> AbandoningProducer:
        return connect_producer(AbandoningProducer, self._settings, linger_ms=_LINGER_MS)

    def _drop(self) -> None:
        if self._producer is not None:
            self._producer.close(timeout=_CLOSE_TIMEOUT_S)
            self._producer = None

    def _note(self, topic: str, error: KafkaError) -> None:
        self._refused.append((topic, error))

    def _require_open(self) -> None:
        if self._closed:
            raise TransportError("the producer is closed: make a new one")
