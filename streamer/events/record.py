"""What a transport delivers and takes: bytes and their position, nothing understood yet."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

Headers = tuple[tuple[str, bytes], ...]


def headers_of(pairs: Iterable[tuple[str, bytes | None]]) -> Headers:
    """Return what a client library read; a header without a value, which Kafka knows, is seen as empty."""
    return tuple((name, value or b"") for name, value in pairs)


class TopicPartition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


# Structs rather than dataclasses: one is made for every record, and a frozen dataclass
# takes four times as long to construct.
class Record(msgspec.Struct, frozen=True, gc=False):
    """One consumed record.

    Attributes:
        topic: topic it was read from.
        partition: partition within the topic.
        offset: position within the partition; grows, not necessarily by one.
        key: raw key; None when absent.
        value: raw value; None for a tombstone.
        headers: names and raw values, in the record's order.
        timestamp: milliseconds since the epoch as the broker holds it; -1 when unknown.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp: int = -1

    @property
    def source(self) -> TopicPartition:
        """The partition this record came from."""
        return TopicPartition(self.topic, self.partition)


class Message(msgspec.Struct, frozen=True, gc=False):
    """One record to be produced; the broker gives it a position.

    Attributes:
        topic: topic to write to.
        key: decides the partition; None lets the producer choose.
        value: payload.
        headers: names and raw values.
        timestamp: milliseconds since the epoch; None for the moment of sending.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp: int | None = None
