"""Records into columns: every record becomes one row or one rejection.

Most records are plain: text ids, numbers, milliseconds. msgspec checks those while it decodes
them, and what it cannot check is checked for the whole batch at once. A record that is not
plain, or looks suspicious, is read again by `decode_one`, which defines what is accepted. With a
mapping every record takes that way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from streamer.errors import MalformedEvent, RejectReason
from streamer.events import values
from streamer.events.columns import columns_of
from streamer.events.diagnosis import explain
from streamer.events.event import EventBatch
from streamer.events.mapping import FieldMapping
from streamer.events.plain import PlainTransaction, doubtful, read_all_plain, read_plain
from streamer.events.record import Record
from streamer.events.transaction import Transaction
from streamer.settings import EventSettings


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that cannot be judged, and why."""

    record: Record
    error: MalformedEvent


_TOGETHER = 500
"""Records at a time: what is made of more does not fit the processor's cache."""

_decode_any = msgspec.json.Decoder(Transaction).decode


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
    outcomes: Sequence[PlainTransaction | MalformedEvent]
    events: Sequence[PlainTransaction]
    rejected: list[Rejected] = []
    plain = read_all_plain(records, settings.max_bytes) if mapping is None else None
    if plain is not None:
        outcomes, kept, events = plain, records, plain
    else:
        read = _read if mapping is None else partial(_read_carefully, mapping=mapping)
        outcomes = [read(record, settings) for record in records]
        kept, events, rejected = _part(records, outcomes)
    batch = columns_of(kept, events)
    # Where there is a mapping, all was read carefully already.
    odd = set() if mapping is not None else doubtful(batch, events, settings)
    if odd:
        outcomes = [
            _read_carefully(record, settings) if id(outcome) in odd else outcome
            for record, outcome in zip(records, outcomes, strict=True)
        ]
        kept, events, rejected = _part(records, outcomes)
        batch = columns_of(kept, events)
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


def _read(record: Record, settings: EventSettings) -> PlainTransaction | MalformedEvent:
    value = record.value
    event = read_plain(value) if value and len(value) <= settings.max_bytes else None
    return _read_carefully(record, settings) if event is None else event


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
