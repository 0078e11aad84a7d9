"""What the records of the dead-letter topic are: letters, marks of redriven ones, or neither."""

import sys
from typing import NamedTuple

import msgspec

from streamer.alerts.dead_letter import ORIGINAL, TRUNCATED
from streamer.events.record import Record

REDRIVE_OF = "x-redrive-of"
REDRIVE_COUNT = "x-redrive-count"
REDRIVEN_AT = "x-redriven-at"
WORKER_VERSION = "x-worker-version"


class Position(NamedTuple):
    """Where a letter is in the dead-letter topic."""

    partition: int
    offset: int

    def __str__(self) -> str:
        """Write it as `show` takes it."""
        return f"{self.partition}/{self.offset}"


# A struct without its value: a million of them are held while the topic is read.
class Letter(msgspec.Struct, frozen=True, gc=False):
    """One dead letter, without what it holds.

    Attributes:
        partition: its partition of the dead-letter topic.
        offset: its offset there.
        timestamp: when it was written, milliseconds since the epoch.
        reason: a `RejectReason`, or that of another version.
        field: the offending field; empty when the whole record is at fault.
        origin_topic: where the record was read.
        origin_partition: its partition there.
        origin_offset: its offset there.
        truncated: what was cut to fit, e.g. "headers,value"; empty when it is whole.
        redrives: how often the record had been redriven when it became this letter.
    """

    partition: int
    offset: int
    timestamp: int
    reason: str
    field: str
    origin_topic: str
    origin_partition: int
    origin_offset: int
    truncated: str
    redrives: int

    @property
    def position(self) -> Position:
        """Where it is."""
        return Position(self.partition, self.offset)

    @property
    def origin(self) -> str:
        """Say where the record was read."""
        return f"{self.origin_topic}/{self.origin_partition}@{self.origin_offset}"


def read_entry(record: Record) -> Letter | Position | None:
    """Understand a record of the dead-letter topic.

    Returns:
        A letter; the position of the letter that a mark says is redriven; or None for what is
        neither and was not written by this product.
    """
    headers = dict(record.headers)
    if REDRIVE_OF in headers and "x-reason" not in headers:
        return parse_position(_text(headers[REDRIVE_OF]))
    partition = _number(headers.get("x-origin-partition"))
    offset = _number(headers.get("x-origin-offset"))
    reason, topic = headers.get("x-reason"), headers.get("x-origin-topic")
    if not reason or not topic or partition is None or offset is None:
        return None
    return Letter(
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        # Interned, as most letters share them.
        reason=sys.intern(_text(reason)),
        field=sys.intern(_text(headers.get("x-field", b""))),
        origin_topic=sys.intern(_text(topic)),
        origin_partition=partition,
        origin_offset=offset,
        truncated=sys.intern(_text(headers.get(TRUNCATED, b""))),
        redrives=_number(headers.get(ORIGINAL + REDRIVE_COUNT)) or 0,
    )


def parse_position(text: str) -> Position | None:
    """Read `PARTITION/OFFSET`; None where it is something else."""
    partition, slash, offset = text.partition("/")
    if not slash or not (_is_number(partition) and _is_number(offset)):
        return None
    return Position(int(partition), int(offset))


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def _number(value: bytes | None) -> int | None:
    text = "" if value is None else _text(value)
    return int(text) if _is_number(text) else None


def _is_number(text: str) -> bool:
    # Offsets have at most 19 digits; int() refuses texts of thousands.
    return text.isascii() and text.isdigit() and len(text) <= 19
