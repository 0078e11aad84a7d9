"""Every way in which a record may fail to be a transaction, and the odd ones that are."""

import json

import pytest

from streamer.errors import MalformedEvent, RejectReason
from streamer.events.decode import decode, decode_one
from streamer.events.plain import PlainTransaction
from streamer.events.record import Record
from streamer.events.values import EARLIEST_MS, LATEST_MS, SENTINELS
from streamer.settings import EventSettings

NOON = 1_735_732_800_000
SETTINGS = EventSettings(max_bytes=16_384, future_tolerance_s=300.0)
GOOD = {"transaction_id": "t1", "user_id": "u1", "amount": 12.5, "timestamp": NOON}


def record(value: bytes | None, timestamp: int = -1) -> Record:
    return Record("transactions", 3, 7, b"u1", value, timestamp=timestamp)


def with_fields(**fields: object) -> bytes:
    return json.dumps({**GOOD, **fields}).encode()


def with_raw(field: str, literal: str) -> bytes:
    rest = json.dumps({name: value for name, value in GOOD.items() if name != field})
    return f'{rest[:-1]}, "{field}": {literal}}}'.encode()


def accepted(value: bytes, timestamp: int = -1) -> PlainTransaction:
    batch, rejected = decode([record(value, timestamp)], SETTINGS)
    assert not rejected
    assert len(batch) == 1
    return decode_one(record(value, timestamp), SETTINGS)


def fault(value: bytes | None, timestamp: int = -1) -> MalformedEvent:
    batch, rejected = decode([record(value, timestamp)], SETTINGS)
    assert len(batch) == 0
    (only,) = rejected
    assert only.record.offset == 7
    assert only.error.remedy
    assert len(only.error.value) <= 120
    return only.error


@pytest.mark.parametrize(
    ("value", "reason", "field"),
    [
        (None, RejectReason.EMPTY, ""),
        (b"", RejectReason.EMPTY, ""),
        (b" ", RejectReason.BAD_JSON, ""),
        (b'{"x": "' + b"y" * 17_000 + b'"}', RejectReason.TOO_LARGE, ""),
        (b"\xff\xfe{}", RejectReason.BAD_ENCODING, ""),
        (with_raw("user_id", '"\xff"').decode().encode("latin-1"), RejectReason.BAD_ENCODING, ""),
        (with_raw("ignored", '"\xff"').decode().encode("latin-1"), RejectReason.BAD_ENCODING, ""),
        (b'{"transaction_id": "t1", "us', RejectReason.BAD_JSON, ""),
        (with_fields() + b"x", RejectReason.BAD_JSON, ""),
        (with_fields() + with_fields(), RejectReason.BAD_JSON, ""),
        (b"\xef\xbb\xbf" + with_fields(), RejectReason.BAD_JSON, ""),
        (with_raw("user_id", '"\\ud800"'), RejectReason.BAD_JSON, ""),
        (b'{"a":' * 2_000 + b"1" + b"}" * 2_000, RejectReason.BAD_JSON, ""),
        (b'{"a":' + b"[" * 8_000 + b"]" * 8_000 + b"}", RejectReason.BAD_JSON, ""),
        (b"[]", RejectReason.NOT_AN_OBJECT, ""),
        (b'"x"', RejectReason.NOT_AN_OBJECT, ""),
        (b"5", RejectReason.NOT_AN_OBJECT, ""),
        (b"null", RejectReason.NOT_AN_OBJECT, ""),
        (b"{}", RejectReason.MISSING_FIELD, "transaction_id"),
        (b'{"transaction_id": "t", "user_id": "u", "timestamp": 1}', RejectReason.MISSING_FIELD, "amount"),
        (with_fields(user_id=None), RejectReason.WRONG_TYPE, "user_id"),
        (with_fields(user_id=1.5), RejectReason.WRONG_TYPE, "user_id"),
        (with_fields(user_id=True), RejectReason.WRONG_TYPE, "user_id"),
        (with_fields(user_id=["u1"]), RejectReason.WRONG_TYPE, "user_id"),
        (with_fields(amount=True), RejectReason.WRONG_TYPE, "amount"),
        (with_fields(amount={"value": 1}), RejectReason.WRONG_TYPE, "amount"),
        (with_fields(amount="1,234.50"), RejectReason.WRONG_TYPE, "amount"),
        (with_fields(amount="1.234,50"), RejectReason.WRONG_TYPE, "amount"),
        (with_fields(amount="$12.30"), RejectReason.WRONG_TYPE, "amount"),
        (with_fields(amount=" 12.30"), RejectReason.WRONG_TYPE, "amount"),
        (with_fields(amount="1_000"), RejectReason.WRONG_TYPE, "amount"),
        (with_fields(amount="١٢"), RejectReason.WRONG_TYPE, "amount"),
        (with_fields(amount=""), RejectReason.WRONG_TYPE, "amount"),
        (with_fields(currency=978), RejectReason.WRONG_TYPE, "currency"),
        (with_raw("amount", "NaN"), RejectReason.NOT_FINITE, "amount"),
        (with_raw("amount", "Infinity"), RejectReason.NOT_FINITE, "amount"),
        (with_raw("amount", "-Infinity"), RejectReason.NOT_FINITE, "amount"),
        (with_raw("unread", "NaN"), RejectReason.NOT_FINITE, "unread"),
        (with_raw("amount", "1e400"), RejectReason.NOT_FINITE, "amount"),
        (with_raw("latitude", "-1e400"), RejectReason.NOT_FINITE, "latitude"),
        (with_fields(amount="NaN"), RejectReason.NOT_FINITE, "amount"),
        (with_fields(amount="-inf"), RejectReason.NOT_FINITE, "amount"),
        (with_fields(amount="1e400"), RejectReason.NOT_FINITE, "amount"),
        (with_fields(timestamp="Infinity"), RejectReason.NOT_FINITE, "timestamp"),
        (with_fields(longitude="nan"), RejectReason.NOT_FINITE, "longitude"),
        (with_fields(amount=1.000001e12), RejectReason.OUT_OF_RANGE, "amount"),
        (with_fields(amount="-1e13"), RejectReason.OUT_OF_RANGE, "amount"),
        (with_raw("amount", "9" * 400), RejectReason.OUT_OF_RANGE, "amount"),
        (with_raw("timestamp", "9" * 400), RejectReason.OUT_OF_RANGE, "timestamp"),
        (with_fields(transaction_id=""), RejectReason.OUT_OF_RANGE, "transaction_id"),
        (with_fields(user_id=""), RejectReason.OUT_OF_RANGE, "user_id"),
        (with_fields(user_id=" \t\u2003"), RejectReason.OUT_OF_RANGE, "user_id"),
        (with_fields(user_id="u\0"), RejectReason.OUT_OF_RANGE, "user_id"),
        (with_fields(user_id="u" * 257), RejectReason.OUT_OF_RANGE, "user_id"),
        (with_raw("user_id", "9" * 257), RejectReason.OUT_OF_RANGE, "user_id"),
        (with_fields(merchant_id="m\0"), RejectReason.OUT_OF_RANGE, "merchant_id"),
        (with_fields(device_id="d" * 257), RejectReason.OUT_OF_RANGE, "device_id"),
        (with_fields(latitude=90.1, longitude=0), RejectReason.OUT_OF_RANGE, "latitude"),
        (with_fields(latitude=0, longitude="-180.5"), RejectReason.OUT_OF_RANGE, "longitude"),
        (with_fields(timestamp=-1), RejectReason.OUT_OF_RANGE, "timestamp"),
        (with_fields(timestamp=EARLIEST_MS - 1), RejectReason.OUT_OF_RANGE, "timestamp"),
        (with_fields(timestamp=LATEST_MS), RejectReason.OUT_OF_RANGE, "timestamp"),
        (with_fields(timestamp="2100-01-01T00:00:00Z"), RejectReason.OUT_OF_RANGE, "timestamp"),
        (with_fields(timestamp="2026-03-29T02:30:00"), RejectReason.WRONG_TYPE, "timestamp"),
        (with_fields(timestamp="2026-03-29"), RejectReason.WRONG_TYPE, "timestamp"),
        (with_fields(timestamp="2026-02-30T00:00:00Z"), RejectReason.WRONG_TYPE, "timestamp"),
        (with_fields(timestamp="yesterday"), RejectReason.WRONG_TYPE, "timestamp"),
        (with_fields(timestamp=False), RejectReason.WRONG_TYPE, "timestamp"),
    ],
)
def test_a_fault_has_one_reason_and_names_its_field(value: bytes | None, reason: RejectReason, field: str) -> None:
    error = fault(value)
    assert (error.reason, error.field) == (reason, field)


@pytest.mark.parametrize(
    "text", [*sorted(SENTINELS), "UNKNOWN", "Null", "NOTPROVIDED", "un\u212anown", "unde\ufb01ned"]
)
def test_a_text_that_stands_for_nobody_is_no_id_but_an_unknown_option(text: str) -> None:
    for field in ("user_id", "transaction_id"):
        error = fault(with_fields(**{field: text}))
        assert (error.reason, error.field, error.value) == (RejectReason.OUT_OF_RANGE, field, text)
    batch, _ = decode([record(with_fields(merchant_id=text, country=text, device_id=" ", currency=""))], SETTINGS)
    assert (batch.merchant_id, batch.country, batch.device_id, batch.currency) == ((None,),) * 4


@pytest.mark.parametrize(
    ("given", "unit"), [(1_735_732_800, "seconds"), (NOON * 1_000, "microseconds"), (NOON * 1_000_000, "nanoseconds")]
)
def test_another_unit_of_time_is_recognised(given: int, unit: str) -> None:
    for form in (given, str(given)):
        assert unit in fault(with_fields(timestamp=form)).remedy


@pytest.mark.parametrize(
    "given",
    [
        NOON,
        float(NOON),
        NOON + 0.75,
        str(NOON),
        "2025-01-01T12:00:00Z",
        "2025-01-01T12:00:00.000999999Z",
        "2025-01-01t12:00:00z",
        "2025-01-01 13:00+01:00",
        "2025-01-01T06:30:00-0530",
    ],
)
def test_times_come_as_milliseconds_or_as_iso_with_a_zone(given: float | str) -> None:
    assert accepted(with_fields(timestamp=given)).timestamp == NOON


@pytest.mark.parametrize(
    ("given", "amount"),
    [(12, 12.0), ("12.30", 12.3), ("1e3", 1000.0), ("-.5", -0.5), ("+7.", 7.0), (-1e12, -1e12), ("0", 0.0)],
)
def test_amounts_come_as_numbers_or_decimal_texts(given: float | str, amount: float) -> None:
    assert accepted(with_fields(amount=given)).amount == amount


@pytest.mark.parametrize("number", [0, -4282466774399734331, 2**53 + 1, 2**64 + 1, 10**30])
def test_whole_numbers_become_ids_without_rounding(number: int) -> None:
    event = accepted(with_fields(user_id=number, transaction_id=number, merchant_id=number, device_id=number))
    assert {event.user_id, event.transaction_id, event.merchant_id, event.device_id} == {str(number)}


def test_texts_are_kept_as_given() -> None:
    event = accepted(with_fields(user_id=" Ünïcode 😀 ", currency="eur", category="0"))
    assert (event.user_id, event.currency, event.category) == (" Ünïcode 😀 ", "eur", "0")


def test_unknown_fields_and_labels_are_ignored() -> None:
    assert accepted(with_fields(is_fraud="True", label=1, nested={"a": [1]})) == accepted(with_fields())


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"latitude": 50, "longitude": "8.5"}, (True, 50.0, 8.5)),
        ({"latitude": 0, "longitude": 0}, (True, 0.0, 0.0)),
        ({"latitude": 50.0}, (False, 0.0, 0.0)),
        ({"longitude": 8.5, "latitude": None}, (False, 0.0, 0.0)),
        ({"longitude": 8.5, "latitude": " "}, (False, 0.0, 0.0)),
        ({}, (False, 0.0, 0.0)),
    ],
)
def test_a_place_needs_both_coordinates(fields: dict[str, object], place: tuple[bool, float, float]) -> None:
    batch, _ = decode([record(with_fields(**fields))], SETTINGS)
    assert (batch.located[0], batch.latitude[0], batch.longitude[0]) == place


def test_event_time_may_run_ahead_of_the_broker_by_the_tolerance_alone() -> None:
    assert accepted(with_fields(), timestamp=NOON - 300_000).timestamp == NOON
    error = fault(with_fields(), timestamp=NOON - 300_001)
    assert (error.reason, error.field) == (RejectReason.FUTURE, "timestamp")
    assert fault(with_fields(), timestamp=0).reason is RejectReason.FUTURE


def test_one_future_event_leaves_its_neighbours_alone() -> None:
    values = [with_fields(), with_fields(timestamp=LATEST_MS - 1), with_fields(transaction_id="t2")]
    batch, rejected = decode([record(value, timestamp=NOON) for value in values], SETTINGS)
    assert batch.transaction_id == ("t1", "t2")
    assert [each.error.reason for each in rejected] == [RejectReason.FUTURE]


def test_the_largest_value_is_read_and_one_byte_more_is_not() -> None:
    room = SETTINGS.max_bytes - len(with_fields(note=""))
    assert accepted(with_fields(note="x" * room)).user_id == "u1"
    assert fault(with_fields(note="x" * (room + 1))).reason is RejectReason.TOO_LARGE


def test_no_records_give_an_empty_batch() -> None:
    batch, rejected = decode([], SETTINGS)
    assert (len(batch), rejected, batch.amount.shape) == (0, [], (0,))
