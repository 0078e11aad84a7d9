"""librdkafka's errors in our own terms, which are those of kafka-python's: brokers number both alike."""

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaError, KafkaException

from streamer.errors import FencedError, RetriableTransportError, TransportError
from streamer.transport.kafka_errors import translate_code

_GONE = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError._LOG_TRUNCATION, KafkaError.OFFSET_OUT_OF_RANGE})
_ENDING = (KafkaError.FENCED_INSTANCE_ID,)
_AS_BROKERS_SAY = {
    KafkaError._FENCED: KafkaError.PRODUCER_FENCED,
    KafkaError._AUTHENTICATION: KafkaError.SASL_AUTHENTICATION_FAILED,
}
_PASSING = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._ASSIGNMENT_LOST,
        KafkaError._CONFLICT,
        KafkaError._DESTROY_BROKER,
        KafkaError._IN_PROGRESS,
        KafkaError._MAX_POLL_EXCEEDED,
        KafkaError._MSG_TIMED_OUT,
        KafkaError._NODE_UPDATE,
        KafkaError._NO_OFFSET,
        KafkaError._OUTDATED,
        KafkaError._PREV_IN_PROGRESS,
        KafkaError._PURGE_INFLIGHT,
        KafkaError._PURGE_QUEUE,
        KafkaError._QUEUE_FULL,
        KafkaError._RESOLVE,
        KafkaError._RETRY,
        KafkaError._STATE,
        KafkaError._TIMED_OUT,
        KafkaError._TIMED_OUT_QUEUE,
        KafkaError._TRANSPORT,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._WAIT_CACHE,
        KafkaError._WAIT_COORD,
    }
)
"""Errors of the client itself, of a connection or a moment."""


def translate(error: KafkaError, doing: str, place: str = "the position") -> TransportError:
    """Turn a foreign error into ours.

    Args:
        error: what librdkafka says.
        doing: what was being done and to what, e.g. "committing offsets of group 'g'".
        place: what was read, where something was.
    """
    code = _code(error)
    if code in _GONE:
        return FencedError(f"{doing}: the records at {place} are gone; start anew from what is committed")
    if code >= 0:
        return translate_code(code, error.str(), doing)
    if code in _PASSING or error.retriable():
        return RetriableTransportError(f"{doing}: {error.str()}; trying again may help")
    return TransportError(f"{doing}: {error.str()} ({error.name()}); see the broker's log")


def _code(error: KafkaError) -> int:
    if error.code() == KafkaError._FATAL:
        # A consumer wraps what ended it; what that was stands in the text alone.
        return next((code for code in _ENDING if KafkaError(code).str() in error.str()), error.code())
    return _AS_BROKERS_SAY.get(error.code(), error.code())


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn foreign errors of a block into ours; see `translate`."""
    try:
        yield
    except KafkaException as exception:
        raise translate(error_of(exception), doing) from exception


def error_of(exception: KafkaException) -> KafkaError:
    """Return what an exception of the client carries."""
    carried = exception.args[0] if exception.args else None
    return carried if isinstance(carried, KafkaError) else KafkaError(KafkaError._FAIL, str(exception))
