"""kafka-python's errors in our own terms: what went wrong, where, and what to do next."""

from collections.abc import Sequence

from kafka import errors

from streamer.errors import FencedError, RetriableTransportError, TransportError
from streamer.settings import KafkaSettings

_FENCED = (
    errors.CommitFailedError,
    errors.IllegalGenerationError,
    errors.UnknownMemberIdError,
    errors.FencedInstanceIdError,
    errors.ProducerFencedError,
    errors.InvalidProducerEpochError,
)
_RETRIABLE = (errors.RetriableError, errors.RebalanceInProgressError, errors.BrokerNotAvailableError)
_REMEDIES: dict[type[errors.KafkaError], str] = {
    errors.TopicAuthorizationFailedError: "grant kafka.sasl_username access to the topic",
    errors.GroupAuthorizationFailedError: "grant kafka.sasl_username access to the group kafka.group_id",
    errors.ClusterAuthorizationFailedError: "grant kafka.sasl_username the right to write idempotently",
    errors.MessageSizeTooLargeError: "lower kafka.max_message_bytes or raise the topic's max.message.bytes",
    errors.RecordListTooLargeError: "lower kafka.max_message_bytes or raise the topic's max.message.bytes",
    errors.InvalidSessionTimeoutError: "keep kafka.session_timeout_s within the broker's group.*.session.timeout.ms",
    errors.InconsistentGroupProtocolError: "kafka.group_id is used by another kind of consumer; choose another",
    errors.InvalidTopicError: "use letters, digits, '.', '_' and '-' in topic names",
}


def translate(error: errors.KafkaError, doing: str) -> TransportError:
    """Turn a foreign error into ours.

    Args:
        error: what kafka-python raised.
        doing: what was being done and to what, e.g. "committing offsets of group 'g'".
    """
    cause = str(error).strip() or type(error).__name__
    if isinstance(error, _FENCED):
        return FencedError(f"{doing}: another process took over ({cause}); rebuild from the committed offsets")
    if isinstance(error, _RETRIABLE):
        return RetriableTransportError(f"{doing}: {cause}; trying again may help")
    remedy = next((text for kind, text in _REMEDIES.items() if isinstance(error, kind)), "see the broker's log")
    return TransportError(f"{doing}: {cause}; {remedy}")


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
