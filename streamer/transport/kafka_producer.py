"""Writing to Kafka: idempotent, acknowledged by all replicas in sync, every refusal told."""

from functools import partial

from kafka.errors import KafkaError, KafkaTimeoutError

from streamer.errors import FencedError, RetriableTransportError
from streamer.events.record import Message
from streamer.settings import KafkaSettings
from streamer.transport.kafka_writing import AbandoningProducer, connect_producer, refusal, send
from streamer.transport.queueing_producer import QueueingProducer

_CLOSE_TIMEOUT_S = 3.0
_LINGER_MS = 2


class KafkaProducer(QueueingProducer):
    """A `Producer` whose writes are idempotent and acknowledged by all replicas in sync."""

    def __init__(self, settings: KafkaSettings) -> None:
        """Connect.

        Raises:
            TransportError: the connection failed; names cause and remedy.
        """
        super().__init__(settings)
        self._producer: AbandoningProducer | None = self._connect()
        self._refused: list[tuple[str, KafkaError]] = []

    def flush(self, *, timeout_s: float) -> None:
        """See `Producer.flush`."""
        self._require_open()
        if self._producer is None:
            return
        try:
            self._producer.flush(timeout_s)
        except KafkaTimeoutError as error:
            raise self._unacknowledged(timeout_s) from error
        refused, self._refused = self._refused, []
        if refused:
            fault = refusal(refused)
            if not isinstance(fault, FencedError | RetriableTransportError):
                # After a refusal, kafka-python's idempotent producer refuses everything.
                self._free()
            raise fault

    def _queue(self, message: Message) -> None:
        self._producer = self._producer or self._connect()
        send(self._producer, message).add_errback(partial(self._note, message.topic))

    def _connect(self) -> AbandoningProducer:
        return connect_producer(AbandoningProducer, self._settings, linger_ms=_LINGER_MS)

    def _free(self) -> None:
        if self._producer is not None:
            self._producer.close(timeout=_CLOSE_TIMEOUT_S)
            self._producer = None

    def _note(self, topic: str, error: KafkaError) -> None:
        self._refused.append((topic, error))
