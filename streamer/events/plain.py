"""Plain transactions: text ids, numbers, milliseconds; most records are such, and read many at once.

msgspec checks them while it decodes; what it cannot check is looked for in all of them together.
"""

import math
from collections.abc import Collection, Sequence
from typing import Annotated, cast

import msgspec
import numpy as np
from msgspec.structs import astuple

from streamer.events import values
from streamer.events.event import EventBatch
from streamer.events.record import Record
from streamer.events.transaction import Transaction
from streamer.settings import EventSettings

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=values.LONGEST_TEXT)]


_UNKNOWN = math.nan
"""An absent coordinate, as columns have it; None, which null becomes, would first have to be made a number."""


class PlainTransaction(Transaction, frozen=True, kw_only=True, gc=False):
    """A transaction in the types of the columns; the bounds are those of `values`."""

    transaction_id: _Text
    user_id: _Text
    amount: Annotated[float, msgspec.Meta(ge=-values.LARGEST_AMOUNT, le=values.LARGEST_AMOUNT)]
    timestamp: Annotated[int, msgspec.Meta(ge=values.EARLIEST_MS, lt=values.LATEST_MS)]
    merchant_id: _Text | None = None
    category: _Text | None = None
    currency: _Text | None = None
    channel: _Text | None = None
    country: _Text | None = None
    latitude: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = _UNKNOWN
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = _UNKNOWN
    device_id: _Text | None = None


_OPENING = ord("{")
_BEYOND_SPACE = ord("~")

_decode_alone = msgspec.json.Decoder(PlainTransaction).decode
_decode_together = msgspec.json.Decoder(list[PlainTransaction]).decode


def read_plain(value: bytes) -> PlainTransaction | None:
    """Read one record's value; None if it is not plain."""
    try:
        if not value.isascii():
            value.decode()
        return _decode_alone(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def read_all_plain(records: Sequence[Record], max_bytes: int) -> list[PlainTransaction] | None:
    """Read records as one JSON array; None if one of them may not be plain, or has more than `max_bytes`.

    Each begins with the only opening brace that it holds. So as many objects as records means
    that every brace opens an object, hence each object is the whole of one record: none ends in
    another record, and no record smuggles in a second one.
    """
    values = [record.value or b" " for record in records]
    array = b"[%b]" % b",".join(values)
    held = np.frombuffer(array, np.uint8)
    lengths = np.fromiter(map(len, values), np.intp, len(values))
    begins = np.cumsum(lengths + 1) - lengths  # each has a comma before it, or the bracket
    if (
        np.count_nonzero(held == _OPENING) != len(values)
        or (held[begins] != _OPENING).any()
        or lengths.max(initial=0) > max_bytes
    ):
        return None
    try:
        if not array.isascii():
            array.decode()
        events = _decode_together(array)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return events if len(events) == len(values) else None


def doubtful(batch: EventBatch, events: Sequence[PlainTransaction], settings: EventSettings) -> set[int]:
    """Return the ids, as objects, of events that msgspec took and `decode_one` may not take as they are."""
    odd = _odd_texts(batch)
    latest = batch.timestamp - settings.future_tolerance_s * 1000
    future = np.flatnonzero((batch.arrived >= 0) & (batch.arrived < latest)).tolist()
    return {id(events[row]) for row in future} | {
        id(event) for event in (events if odd else ()) if not odd.isdisjoint(astuple(event))
    }


def _odd_texts(batch: EventBatch) -> set[str]:
    """Return the texts that msgspec took and `values` may not take as they are."""
    others = {None, *batch.merchant_id, *batch.category, *batch.currency}
    others.update(batch.channel, batch.country, batch.device_id)
    others.remove(None)
    pools = (batch.transaction_id, batch.user_id, cast("set[str]", others))
    return {text for texts in pools if _are_suspicious(texts) for text in texts if _are_suspicious((text,))}


def _are_suspicious(texts: Collection[str]) -> bool:
    together = "".join(texts)
    # Blank texts are made of the space and of what comes before it in ASCII, as NUL does.
    if together.isascii() and np.frombuffer(together.encode(), np.uint8).min(initial=_BEYOND_SPACE) > ord(" "):
        return not values.ASCII_SENTINELS.isdisjoint(texts)
    return "\0" in together or any(map(str.isspace, texts)) or not values.SENTINELS.isdisjoint(map(str.casefold, texts))
