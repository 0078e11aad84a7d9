"""Records into columns: every record becomes one row or one rejection.

Most records are plain: text ids, numbers, milliseconds. msgspec checks those while it decodes
them, and what it cannot check is checked for the whole batch at once. A record that is not
plain, or looks suspicious, is read again by `decode_one`, which defines what is accepted. With a
mapping every record takes that way.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple, cast

import msgspec
import numpy as np
from msgspec.structs import astuple

from streamer.errors import MalformedEvent, RejectReason
from streamer.events import values
from streamer.events.diagnosis import explain
from streamer.events.event import EventBatch
from streamer.events.mapping import FieldMapping
from streamer.events.record import Record
from streamer.events.transaction import Transaction
from streamer.settings import EventSettings

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=values.LONGEST_TEXT)]


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
    latitude: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    device_id: _Text | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that cannot be judged, and why."""

    record: Record
    error: MalformedEvent


_OPENING = ord("{")

_TOGETHER = 500
"""Records at a time: what is made of more does not fit the processor's cache."""

_decode_plain = msgspec.json.Decoder(PlainTransaction).decode
_decode_plain_array = msgspec.json.Decoder(list[PlainTransaction]).decode
_decode_any = msgspec.json.Decoder(Transaction).decode


class _Columns(NamedTuple):
    """The fields of `PlainTransaction`, in its order, one entry an event."""

    transaction_id: tuple[str, ...] = ()
    user_id: tuple[str, ...] = ()
    amount: tuple[float, ...] = ()
    timestamp: tuple[int, ...] = ()
    merchant_id: tuple[str | None, ...] = ()
    category: tuple[str | None, ...] = ()
    currency: tuple[str | None, ...] = ()
    channel: tuple[str | None, ...] = ()
    country: tuple[str | None, ...] = ()
    latitude: tuple[float | None, ...] = ()
    longitude: tuple[float | None, ...] = ()
    device_id: tuple[str | None, ...] = ()


def decode(
    records: Sequence[Record], settings: EventSettings, mapping: FieldMapping | None = None
) -> tuple[EventBatch, list[Rejected]]:
    """Understand records, those of one partition in log order.

    A whole list gives exactly what its records give one by one. Never raises for what the
    records hold.

    Args:
        records: what was read.
        settings: what counts as a transaction.
        mapping: of records that are no canonical transactions.

    Returns:
        The N events as columns, and the rejected records; both in the order given, together as many
        as there are records.
    """
    starts = range(0, max(len(records), 1), _TOGETHER)
    parts = [_decode(records[start : start + _TOGETHER], settings, mapping) for start in starts]
    return EventBatch.concatenate([batch for batch, _ in parts]), [each for _, rejected in parts for each in rejected]


def decode_one(record: Record, settings: EventSettings, mapping: FieldMapping | None = None) -> PlainTransaction:
    """Understand one record; see `decode`.

    Raises:
        MalformedEvent: it is no transaction.
    """
    value = record.value
    if not value:
        raise MalformedEvent(RejectReason.EMPTY, remedy="send a JSON object; tombstones mean nothing here")
    if len(value) > settings.max_bytes:
        raise MalformedEvent(
            RejectReason.TOO_LARGE,
            value=f"{len(value)} bytes",
            remedy=f"send at most {settings.max_bytes} bytes (setting events.max_bytes)",
        )
    if mapping is None:
        return _checked(_canonical(value), record, settings)
    given = mapping.transaction(value)
    try:
        return _checked(given, record, settings)
    except MalformedEvent as error:
        raise mapping.located(error) from None


def _decode(
    records: Sequence[Record], settings: EventSettings, mapping: FieldMapping | None
) -> tuple[EventBatch, list[Rejected]]:
    outcomes: list[PlainTransaction | MalformedEvent]
    if mapping is None:
        outcomes = [*(_read_at_once(records, settings) or (_read(record, settings) for record in records))]
    else:
        outcomes = [_read_carefully(record, settings, mapping) for record in records]
    kept, events, rejected = _part(records, outcomes)
    batch = _batch(kept, events)
    # Where there is a mapping, all was read carefully already.
    doubtful = set() if mapping is not None else _doubtful(batch, events, settings)
    if doubtful:
        outcomes = [
            _read_carefully(record, settings) if id(outcome) in doubtful else outcome
            for record, outcome in zip(records, outcomes, strict=True)
        ]
        kept, events, rejected = _part(records, outcomes)
        batch = _batch(kept, events)
    return batch, rejected


def _canonical(value: bytes) -> Transaction:
    try:
        value.decode()
        return _decode_any(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
        raise explain(value, fault) from None


def _checked(given: Transaction, record: Record, settings: EventSettings) -> PlainTransaction:
    latitude = values.coordinate("latitude", given.latitude, 90)
    longitude = values.coordinate("longitude", given.longitude, 180)
    event = PlainTransaction(
        transaction_id=values.identifier("transaction_id", given.transaction_id),
        user_id=values.identifier("user_id", given.user_id),
        amount=values.amount(given.amount),
        timestamp=values.timestamp(given.timestamp),
        merchant_id=values.optional_text("merchant_id", given.merchant_id),
        category=values.optional_text("category", given.category),
        currency=values.optional_text("currency", given.currency),
        channel=values.optional_text("channel", given.channel),
        country=values.optional_text("country", given.country),
        latitude=latitude,
        longitude=longitude,
        device_id=values.optional_text("device_id", given.device_id),
    )
    if _is_future(event, record, settings):
        raise MalformedEvent(
            RejectReason.FUTURE,
            field="timestamp",
            value=str(given.timestamp),
            remedy=f"set the producer's clock right: this is more than {settings.future_tolerance_s:g} s after the "
            "record reached the broker (setting events.future_tolerance_s)",
        )
    return event


def _is_future(event: PlainTransaction, record: Record, settings: EventSettings) -> bool:
    return 0 <= record.timestamp < event.timestamp - settings.future_tolerance_s * 1000


def _read_carefully(
    record: Record, settings: EventSettings, mapping: FieldMapping | None = None
) -> PlainTransaction | MalformedEvent:
    try:
        return decode_one(record, settings, mapping)
    except MalformedEvent as error:
        return error


def _read_at_once(records: Sequence[Record], settings: EventSettings) -> list[PlainTransaction] | None:
    """Read records as one JSON array; None if one of them may not be plain.

    Each begins with the only opening brace that it holds. So as many objects as records means
    that every brace opens an object, hence each object is the whole of one record: none ends in
    another record, and no record smuggles in a second one.
    """
    values = [record.value or b" " for record in records]
    array = b"[%b]" % b",".join(values)
    if (
        array.count(b"{") != len(values)
        or [value[0] for value in values].count(_OPENING) != len(values)
        or max(map(len, values), default=0) > settings.max_bytes
    ):
        return None
    try:
        if not array.isascii():
            array.decode()
        events = _decode_plain_array(array)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return events if len(events) == len(values) else None


def _read(record: Record, settings: EventSettings) -> PlainTransaction | MalformedEvent:
    value = record.value
    if not value or len(value) > settings.max_bytes:
        return _read_carefully(record, settings)
    try:
        if not value.isascii():
            value.decode()
        return _decode_plain(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _read_carefully(record, settings)


def _part(
    records: Sequence[Record], outcomes: Sequence[PlainTransaction | MalformedEvent]
) -> tuple[Sequence[Record], Sequence[PlainTransaction], list[Rejected]]:
    events = [outcome for outcome in outcomes if isinstance(outcome, PlainTransaction)]
    if len(events) == len(outcomes):
        return records, events, []
    kept = []
    rejected = []
    for record, outcome in zip(records, outcomes, strict=True):
        if isinstance(outcome, MalformedEvent):
            rejected.append(Rejected(record, outcome))
        else:
            kept.append(record)
    return kept, events, rejected


def _doubtful(batch: EventBatch, events: Sequence[PlainTransaction], settings: EventSettings) -> set[int]:
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
    # Of all that blank texts are made of, only the space is printable; a NUL is not.
    if together.isascii() and together.isprintable() and " " not in together:
        return not values.ASCII_SENTINELS.isdisjoint(texts)
    return "\0" in together or any(map(str.isspace, texts)) or not values.SENTINELS.isdisjoint(map(str.casefold, texts))


def _batch(records: Sequence[Record], events: Sequence[PlainTransaction]) -> EventBatch:
    columns = _Columns(*zip(*map(astuple, events), strict=True))
    # numpy turns None into NaN, which JSON cannot hold.
    latitude = np.array(columns.latitude, np.float64)
    longitude = np.array(columns.longitude, np.float64)
    located = ~(np.isnan(latitude) | np.isnan(longitude))
    return EventBatch(
        records=tuple(records),
        arrived=np.array([record.timestamp for record in records], np.int64),
        transaction_id=columns.transaction_id,
        user_id=columns.user_id,
        amount=np.array(columns.amount, np.float64),
        timestamp=np.array(columns.timestamp, np.int64),
        merchant_id=columns.merchant_id,
        category=columns.category,
        currency=columns.currency,
        channel=columns.channel,
        country=columns.country,
        device_id=columns.device_id,
        latitude=np.where(located, latitude, 0.0),
        longitude=np.where(located, longitude, 0.0),
        located=located,
    )
