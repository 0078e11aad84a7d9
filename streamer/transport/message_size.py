"""How large a message is, and when it is too large."""

from streamer.errors import TransportError
from streamer.events.record import Message


def message_bytes(message: Message) -> int:
    """Return the bytes of key, value and headers, without the transport's own overhead."""
    headers = sum(len(name.encode()) + len(value) for name, value in message.headers)
    return len(message.key or b"") + len(message.value or b"") + headers


def require_sendable(message: Message, limit: int) -> None:
    """Refuse what no broker would take.

    Raises:
        TransportError: the message is larger than `limit` bytes, or has neither key nor value.
    """
    if message.key is None and message.value is None:
        raise TransportError(f"a message for topic {message.topic!r} has neither key nor value: give it one")
    size = message_bytes(message)
    if size > limit:
        raise TransportError(
            f"a message for topic {message.topic!r} has {size} bytes, more than kafka.max_message_bytes ({limit}): "
            "shorten it or raise the limit here and at the broker"
        )
