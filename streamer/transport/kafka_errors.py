"""kafka-python's errors in our own terms: what went wrong, where, and what to do next."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from kafka import errors

from streamer.errors import FencedError, RetriableTransportError, TransportError
from streamer.settings import KafkaSettings

_OUTDATED_WRITER = (errors.ProducerFencedError, errors.InvalidProducerEpochError)
_FENCED = (
    errors.CommitFailedError,
    errors.IllegalGenerationError,
    errors.UnknownMemberIdError,
    errors.InvalidTxnStateError,
    errors.InvalidProducerIdMappingError,
    errors.UnknownProducerIdError,
)
_GONE = (errors.OffsetOutOfRangeError, errors.LogTruncationError)
_RETRIABLE = (
    errors.RetriableError,
    errors.RebalanceInProgressError,
    errors.BrokerNotAvailableError,
    errors.OutOfOrderSequenceNumberError,
    errors.TransactionAbortableError,
    errors.TransactionAbortedError,
    # A step out of turn, of a client that something before it, e.g. a refused batch, has upset.
    errors.IllegalStateError,
    # Of what stood beside a refused batch in one request: the broker took none of it.
    errors.OperationNotAttemptedError,
    # The next poll gives them a position.
    errors.NoOffsetForPartitionError,
)
_REMEDIES: dict[type[errors.KafkaError], str] = {
    errors.TopicAuthorizationFailedError: "grant kafka.sasl_username access to the topic",
    errors.GroupAuthorizationFailedError: "grant kafka.sasl_username access to the group kafka.group_id",
    errors.ClusterAuthorizationFailedError: "grant kafka.sasl_username the right to write idempotently",
    errors.MessageSizeTooLargeError: "lower kafka.max_message_bytes or raise the topic's max.message.bytes",
    errors.RecordListTooLargeError: "lower kafka.max_message_bytes or raise the topic's max.message.bytes",
    errors.InvalidSessionTimeoutError: "keep kafka.session_timeout_s within the broker's group.*.session.timeout.ms",
    errors.InconsistentGroupProtocolError: "kafka.group_id is used by another kind of consumer; choose another",
    errors.TransactionalIdAuthorizationFailedError: (
        "grant kafka.sasl_username the right to describe and write the transactional id kafka.transactional_id"
    ),
    errors.InvalidTransactionTimeoutError: (
        "keep kafka.transaction_timeout_s within the broker's transaction.max.timeout.ms"
    ),
    errors.InvalidTopicError: "use letters, digits, '.', '_' and '-' in topic names",
}

_NAME = re.compile(r"\w+Error\b")


def translate(error: errors.KafkaError, doing: str) -> TransportError:
    """Turn a foreign error into ours.

    Args:
        error: what kafka-python raised.
        doing: what was being done and to what, e.g. "committing offsets of group 'g'".
    """
    cause = str(error).strip() or type(error).__name__
    kind = _kind(error)
    if issubclass(kind, errors.FencedInstanceIdError):
        return namesake_error(doing)
    if issubclass(kind, _OUTDATED_WRITER):
        return FencedError(
            f"{doing}: another process began transactions under this name, or this one was silent for longer than "
            f"kafka.transaction_timeout_s ({cause}); rebuild from the committed offsets"
        )
    if issubclass(kind, _FENCED):
        return FencedError(f"{doing}: another process took over ({cause}); rebuild from the committed offsets")
    if issubclass(kind, _GONE):
        return FencedError(f"{doing}: the records at {_places(error)} are gone; start anew from what is committed")
    if issubclass(kind, _RETRIABLE):
        return RetriableTransportError(f"{doing}: {cause}; trying again may help")
    remedy = next((text for known, text in _REMEDIES.items() if issubclass(kind, known)), "see the broker's log")
    return TransportError(f"{doing}: {cause}; {remedy}")


def translate_code(code: int, text: str, doing: str) -> TransportError:
    """Turn the number that a broker gives an error into ours; see `translate`.

    Args:
        code: as in Kafka's protocol.
        text: more about it.
        doing: what was being done and to what.
    """
    return translate(errors.for_code(code)(text), doing)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn foreign errors of a block into ours; see `translate`."""
    try:
        yield
    except errors.KafkaError as error:
        raise translate(error, doing) from error


def _kind(error: errors.KafkaError) -> type[errors.KafkaError]:
    """Return the error's class; where it is the general one, the class of the error that it quotes."""
    if type(error) is not errors.KafkaError:
        return type(error)
    # kafka-python wraps what ended a transaction: "... in an error state: [Error 90] ProducerFencedError".
    named = (getattr(errors, name, None) for name in _NAME.findall(str(error)))
    return next((kind for kind in named if kind not in {None, errors.KafkaError}), errors.KafkaError)


def _places(error: errors.KafkaError) -> str:
    if isinstance(error, errors.LogTruncationError):
        # Where the log now ends, or None where nobody can say.
        ends = getattr(error, "divergent_offsets", {})
        return ", ".join(
            f"{place.topic}/{place.partition} from {'somewhere' if end is None else end.offset} on"
            for place, end in ends.items()
        )
    positions = error.args[0] if error.args else None
    if not isinstance(positions, dict):
        return "the position"
    return ", ".join(f"{place.topic}/{place.partition} from {position} on" for place, position in positions.items())


def namesake_error(doing: str) -> FencedError:
    """Say that a worker lost its place to one of the same lasting name."""
    return FencedError(
        f"{doing}: another process uses the same kafka.group_instance_id and took this one's place in the group; "
        "end one of them, or give each worker a name of its own"
    )


def missing_topics_error(names: Sequence[str], settings: KafkaSettings) -> TransportError:
    """Say which topics are missing and how to create them."""
    commands = "; ".join(
        f"kafka-topics.sh --bootstrap-server {settings.bootstrap_servers} --create --topic {name} --partitions 4"
        for name in names
    )
    listed = ", ".join(repr(name) for name in names)
    return TransportError(
        f"topic {listed} does not exist at {settings.bootstrap_servers}, or may not be seen by this user: "
        f"create it by `streamer check --create-topics PARTITIONS`, or by {commands}"
    )
