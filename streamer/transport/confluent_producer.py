"""Writing to Kafka by librdkafka: idempotent, acknowledged by all replicas in sync, every refusal told."""

from streamer.errors import FencedError, RetriableTransportError
from streamer.events.record import Message
from streamer.settings import KafkaSettings
from streamer.transport.confluent_errors import translated
from streamer.transport.confluent_writing import WritingClient
from streamer.transport.kafka_admin import probe
from streamer.transport.queueing_producer import QueueingProducer

_LINGER_MS = 2


class ConfluentProducer(QueueingProducer):
    """A `Producer` whose writes are idempotent and acknowledged by all replicas in sync."""

    def __init__(self, settings: KafkaSettings) -> None:
        """Connect.

        Raises:
            TransportError: the connection failed; names cause and remedy.
        """
        super().__init__(settings)
        # librdkafka would try for ever, and name causes in its log alone.
        probe(settings)
        self._writing: WritingClient | None = self._make()

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
                self._free()
            raise refusal
        writing.faults.raise_first(f"writing to {self._settings.bootstrap_servers}")
        if left:
            raise self._unacknowledged(timeout_s)

    def _queue(self, message: Message) -> None:
        self._writing = self._writing or self._make()
        self._writing.send(message)

    def _make(self) -> WritingClient:
        return WritingClient(self._settings, {"linger.ms": _LINGER_MS})

    def _free(self) -> None:
        if self._writing is not None:
            self._writing.abandon()
            self._writing = None
