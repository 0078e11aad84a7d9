"""Writing to Kafka by librdkafka: idempotent, acknowledged by all replicas in sync, every refusal told."""

from streamer.errors import FencedError, RetriableTransportError, TransportError
from streamer.events.record import Message
from streamer.settings import KafkaSettings
from streamer.transport.confluent_errors import translated
from streamer.transport.confluent_writing import WritingClient
from streamer.transport.kafka_admin import probe, require_topics
from streamer.transport.message_size import require_sendable

_LINGER_MS = 2


class ConfluentProducer:
    """A `Producer` whose writes are idempotent and acknowledged by all replicas in sync."""

    def __init__(self, settings: KafkaSettings) -> None:
        """Connect.

        Raises:
            TransportError: the connection failed; names cause and remedy.
        """
        # librdkafka would try for ever, and name causes in its log alone.
        probe(settings)
        self._settings = settings
        self._writing: WritingClient | None = self._make()
        self._known: set[str] = set()
        self._closed = False

    @property
    def max_message_bytes(self) -> int:
        """See `Producer.max_message_bytes`."""
        return self._settings.max_message_bytes

    def send(self, message: Message) -> None:
        """See `Producer.send`."""
        self._require_open()
        require_sendable(message, self.max_message_bytes)
        # A broker may make a topic that a librdkafka producer asks for.
        if message.topic not in self._known:
            require_topics(self._settings, [message.topic])
            self._known.add(message.topic)
        self._writing = self._writing or self._make()
        self._writing.send(message)

    def flush(self, *, timeout_s: float) -> None:
        """See `Producer.flush`."""
        self._require_open()
        writing = self._writing
        if writing is None:
            return
        with translated(f"writing to {self._settings.bootstrap_servers}"):
            left = writing.client.flush(timeout_s)
        refusal = writing.take_refusal()
        if refusal is not None:
            if not isinstance(refusal, FencedError | RetriableTransportError):
                # After a refusal, an idempotent producer may refuse everything.
                self._drop()
            raise refusal
        writing.faults.raise_first(f"writing to {self._settings.bootstrap_servers}")
        if left:
            raise RetriableTransportError(
                f"not all messages were acknowledged within {timeout_s:g} s by {self._settings.bootstrap_servers}: "
                f"is the broker there, and is each topic of {', '.join(sorted(self._known))}?"
            )

    def close(self) -> None:
        """See `Producer.close`."""
        if not self._closed:
            self._closed = True
            self._drop()

    def _make(self) -> WritingClient:
        return WritingClient(self._settings, {"linger.ms": _LINGER_MS})

    def _drop(self) -> None:
        if self._writing is not None:
            self._writing.abandon()
            self._writing = None

    def _require_open(self) -> None:
        if self._closed:
            raise TransportError("the producer is closed: make a new one")
