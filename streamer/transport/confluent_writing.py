"""What all writers by librdkafka share: how the client is set, sending, and what was refused."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException

from streamer.errors import RetriableTransportError, TransportError
from streamer.events.record import Message
from streamer.settings import KafkaSettings
from streamer.transport.confluent_client import connect
from streamer.transport.confluent_errors import translate, translated
from streamer.transport.confluent_steps import Steps
from streamer.transport.kafka_writing import RECORD_OVERHEAD_BYTES

_BLOCK_TIMEOUT_S = 5.0
_BATCH_BYTES = 65_536
_REQUEST_BYTES = 1_048_576
_SERVE_S = 0.05
_CONSEQUENCES = frozenset({KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT})
"""What becomes of messages when something else ended their writing."""


class WritingClient:
    """An idempotent producer of librdkafka, acknowledged by all replicas in sync, and what it refused.

    Attributes:
        client: librdkafka's.
        faults: what the client says on its own.
        steps: where its transactions are waited for.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        configs: Mapping[str, object],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make it; it connects when it is used.

        Raises:
            TransportError: librdkafka does not take the settings.
        """
        limit = max(_REQUEST_BYTES, settings.max_message_bytes + RECORD_OVERHEAD_BYTES)
        self.client, self.faults = connect(
            confluent_kafka.Producer,
            settings,
            {
                "enable.idempotence": True,
                "acks": "all",
                # Kafka's own, as all other writers use it.
                "partitioner": "murmur2_random",
                "batch.size": _BATCH_BYTES,
                "message.max.bytes": limit,
                **configs,
            },
        )
        self.steps = Steps()
        self._monotonic = monotonic
        self._refused: list[tuple[str, KafkaError]] = []

    def send(self, message: Message) -> None:
        """Queue one message.

        librdkafka knows no message of the time 0; it is written as one of a millisecond later.

        Raises:
            RetriableTransportError: the queue is full and the broker takes nothing.
            TransportError: it cannot be sent.
        """
        deadline = self._monotonic() + _BLOCK_TIMEOUT_S
        with translated(f"writing to topic {message.topic!r}"):
            while not self._queue(message):
                self.client.poll(_SERVE_S)
                if self._monotonic() > deadline:
                    raise RetriableTransportError(
                        f"writing to topic {message.topic!r}: nothing was acknowledged for {_BLOCK_TIMEOUT_S:g} s"
                    )
            self.client.poll(0.0)

    def take_refusal(self) -> TransportError | None:
        """Return one error for all messages refused since this was asked last; None if none was."""
        refused, self._refused = self._refused, []
        causes = [pair for pair in refused if pair[1].code() not in _CONSEQUENCES] or refused
        if not causes:
            return None
        topic, cause = causes[0]
        others = f" and {len(refused) - 1} more" if len(refused) > 1 else ""
        return translate(cause, f"writing to topic {topic!r}{others}")

    def abandon(self) -> None:
        """Forget what is not written; the connections end with this object."""
        self.steps.end()
        if not self.steps.stuck:
            with suppress(KafkaException):
                self.client.purge()
                self.client.poll(0.0)

    def _queue(self, message: Message) -> bool:
        try:
            self.client.produce(
                message.topic,
                message.value,
                message.key,
                headers=list(message.headers),
                timestamp=0 if message.timestamp is None else message.timestamp or 1,
                on_delivery=self._note,
            )
        except BufferError:
            return False
        return True

    def _note(self, error: KafkaError | None, message: confluent_kafka.Message) -> None:
        if error is not None:
            self._refused.append((message.topic() or "", error))
