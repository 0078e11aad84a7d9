"""Writing to Kafka: idempotent, acknowledged by all replicas in sync, every refusal told."""

from functools import partial

import kafka
from kafka.errors import KafkaError, KafkaTimeoutError

from streamer.errors import FencedError, RetriableTransportError, TransportError
from streamer.events.record import Message
from streamer.settings import KafkaSettings
from streamer.transport.kafka_admin import require_topics
from streamer.transport.kafka_client import connect
from streamer.transport.kafka_errors import translate
from streamer.transport.message_size import require_sendable

_BLOCK_TIMEOUT_MS = 5_000
_CLOSE_TIMEOUT_S = 3.0
_LINGER_MS = 2
_BATCH_BYTES = 65_536
_REQUEST_BYTES = 1_048_576
_RECORD_OVERHEAD_BYTES = 1_024


class KafkaProducer:
    """A `Producer` whose writes are idempotent and acknowledged by all replicas in sync."""

    def __init__(self, settings: KafkaSettings) -> None:
        """Connect.

        Raises:
            TransportError: the connection failed; names cause and remedy.
        """
        self._settings = settings
        self._producer: _AbandoningProducer | None = self._connect()
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
        try:
            self._producer = self._producer or self._connect()
            future = self._producer.send(
                message.topic,
                key=message.key,
                value=message.value,
                headers=list(message.headers),
                timestamp_ms=message.timestamp,
            )
        except KafkaError as error:
            raise translate(error, f"writing to topic {message.topic!r}") from error
        future.add_errback(partial(self._note, message.topic))

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
            # Those that were refused for another's fault in their batch say only that.
            topic, cause = min(refused, key=lambda pair: type(pair[1]) is KafkaError)
            others = f" and {len(refused) - 1} more" if len(refused) > 1 else ""
            fault = translate(cause, f"writing to topic {topic!r}{others}")
            if not isinstance(fault, FencedError | RetriableTransportError):
                # After a refusal, kafka-python's idempotent producer refuses everything.
                self._drop()
            raise fault from cause

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

    def _connect(self) -> "_AbandoningProducer":
        producer, _ = connect(
            _AbandoningProducer,
            self._settings,
            acks="all",
            enable_idempotence=True,
            allow_auto_create_topics=False,
            linger_ms=_LINGER_MS,
            batch_size=_BATCH_BYTES,
            max_request_size=max(_REQUEST_BYTES, self._settings.max_message_bytes + _RECORD_OVERHEAD_BYTES),
            max_block_ms=_BLOCK_TIMEOUT_MS,
            metrics_enabled=False,
        )
        return producer

    def _drop(self) -> None:
        if self._producer is not None:
            self._producer.close(timeout=_CLOSE_TIMEOUT_S)
            self._producer = None

    def _note(self, topic: str, error: KafkaError) -> None:
        self._refused.append((topic, error))

    def _require_open(self) -> None:
        if self._closed:
            raise TransportError("the producer is closed: make a new one")


class _AbandoningProducer(kafka.KafkaProducer):  # type: ignore[misc]  # kafka-python ships no types
    """Can be closed while its brokers are away: kafka-python's own close would raise and stay open."""

    def close(self, timeout: float | None = None, *, null_logger: bool = False) -> None:
        self._closing = True
        super().close(timeout=timeout, null_logger=null_logger)

    def flush(self, timeout: float | None = None) -> None:
        if not getattr(self, "_closing", False):
            super().flush(timeout)
