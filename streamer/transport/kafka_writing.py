"""What all writers to Kafka share: the client and how it is set, sending, and telling what was refused."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import kafka
from kafka.errors import IllegalStateError, KafkaError, OperationNotAttemptedError
from kafka.producer.future import FutureRecordMetadata

from streamer.errors import RetriableTransportError, TransportError
from streamer.events.record import Message
from streamer.settings import KafkaSettings
from streamer.transport.kafka_client import connect
from streamer.transport.kafka_errors import translate, translated

_BLOCK_TIMEOUT_MS = 5_000
_BATCH_BYTES = 65_536
_REQUEST_BYTES = 1_048_576
_CONSEQUENCES = frozenset({KafkaError, OperationNotAttemptedError})
RECORD_OVERHEAD_BYTES = 1_024
"""More than what wraps a message on its way: lengths, names of headers, the batch."""


class AbandoningProducer(kafka.KafkaProducer):  # type: ignore[misc]  # kafka-python ships no types
    """Can be closed while its brokers are away: kafka-python's own close would raise and stay open."""

    def close(self, timeout: float | None = None, *, null_logger: bool = False) -> None:
        """Close, and forget what is not sent by then."""
        self._closing = True
        super().close(timeout=timeout, null_logger=null_logger)

    def flush(self, timeout: float | None = None) -> None:
        """Wait until everything is acknowledged or refused."""
        if not getattr(self, "_closing", False):
            super().flush(timeout)


_Client = TypeVar("_Client", bound=AbandoningProducer)


def connect_producer(kind: type[_Client], settings: KafkaSettings, **configs: Any) -> _Client:
    """Make a client that writes idempotently, acknowledged by all replicas in sync.

    Raises:
        TransportError: the connection failed; names cause and remedy.
    """
    client, _ = connect(
        kind,
        settings,
        acks="all",
        enable_idempotence=True,
        allow_auto_create_topics=False,
        batch_size=_BATCH_BYTES,
        max_request_size=max(_REQUEST_BYTES, settings.max_message_bytes + RECORD_OVERHEAD_BYTES),
        max_block_ms=_BLOCK_TIMEOUT_MS,
        metrics_enabled=False,
        **configs,
    )
    return client


def send(client: AbandoningProducer, message: Message) -> FutureRecordMetadata:
    """Queue one message.

    Raises:
        TransportError: it cannot be sent.
    """
    with translated(f"writing to topic {message.topic!r}"):
        try:
            return client.send(
                message.topic,
                key=message.key,
                value=message.value,
                headers=list(message.headers),
                timestamp_ms=message.timestamp,
            )
        except ValueError as error:
            # What kafka-python makes of a topic that is deleted while it sends.
            raise RetriableTransportError(f"writing to topic {message.topic!r}: {error}; is it still there?") from error


def refusal(refused: Sequence[tuple[str, KafkaError]]) -> TransportError:
    """Make one error of all refusals, given as topics and causes."""
    # Those that were refused for another's fault in their batch or request say only that.
    topic, cause = min(refused, key=lambda pair: type(pair[1]) in _CONSEQUENCES)
    others = f" and {len(refused) - 1} more" if len(refused) > 1 else ""
    fault = translate(cause, f"writing to topic {topic!r}{others}")
    fault.__cause__ = cause
    return fault


@contextmanager
def refused_before(sent: Sequence[tuple[str, FutureRecordMetadata]]) -> Iterator[None]:
    """Raise, instead of an error that only follows from it, why a message was refused.

    kafka-python learns of a refusal on a thread of its own, and then refuses whatever step comes
    next for the state that this left it in.

    Args:
        sent: topics and what became of the messages; may grow in the block.

    Raises:
        TransportError: a message was refused, or what the block itself raised.
    """
    try:
        yield
    except TransportError as error:
        if type(error.__cause__) in {IllegalStateError, KafkaError} and (
            refused := [(topic, future.exception) for topic, future in sent if future.failed()]
        ):
            raise refusal(refused) from error
        raise
