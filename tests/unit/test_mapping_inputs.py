"""Payments as real systems write them, and what must come out of a mapping."""

import json
from pathlib import Path

import numpy as np
import pytest

from streamer.errors import MalformedEvent, RejectReason
from streamer.events.decode import decode
from streamer.events.record import Record
from streamer.settings import EventSettings, StateSettings
from streamer.state.partition import PartitionState
from tests.helpers.mappings import mapping_of, read

TIME_MS = 1_700_000_000_000


def value(**fields: object) -> bytes:
    return json.dumps({"id": "t", "user": "u", "amount": 1, "time": TIME_MS} | fields).encode()


@pytest.mark.parametrize(
    ("given", "expected"),
    [("$-12.30", -12.3), ("-$12.30", -12.3), ("$12.30", 12.3), ("12.30 €", 12.3), ("£ +7", 7.0)],
)
def test_1_currency_signs_are_no_parse_error(tmp_path: Path, given: str, expected: float) -> None:
    mapping = mapping_of(tmp_path, amount='"Amount"')
    assert read(mapping, value(Amount=given)).amount == expected


@pytest.mark.parametrize(
    ("amount", "currency", "expected"), [(500, "jpy", 500.0), (12345, "kwd", 12.345), (1234, "EUR", 12.34)]
)
def test_2_minor_units_follow_the_currency(tmp_path: Path, amount: int, currency: str, expected: float) -> None:
    mapping = mapping_of(tmp_path, amount='{column = "amount", unit = "minor"}', currency='"currency"')
    event = read(mapping, value(amount=amount, currency=currency))
    assert (event.amount, event.currency) == (expected, currency.upper())


@pytest.mark.parametrize("currency", [None, "BTC", 978, ""])
def test_2_minor_units_of_an_unknown_currency_are_malformed(tmp_path: Path, currency: object) -> None:
    mapping = mapping_of(tmp_path, amount='{column = "amount", unit = "minor"}', currency='"currency"')
    with pytest.raises(MalformedEvent, match="ISO 4217") as caught:
        read(mapping, value(currency=currency))
    assert caught.value.field == "currency"


def test_3_an_unofficial_currency_is_an_unknown_one(tmp_path: Path) -> None:
    mapping = mapping_of(tmp_path, currency='"iso_currency_code"')
    event = read(mapping, value(amount=12.3, iso_currency_code=None, unofficial_currency_code="BTC"))
    assert (event.amount, event.currency) == (12.3, None)


@pytest.mark.parametrize(("coded", "expected"), [("BNI=", 12.34), ("+zI=", -12.30), ("AA==", 0.0)])
def test_4_change_data_capture(tmp_path: Path, coded: str, expected: float) -> None:
    mapping = mapping_of(
        tmp_path,
        amount='{column = "after.amount", scale = 2}',
        timestamp='{column = "after.ts", unit = "us"}',
    )
    row = {"amount": coded, "ts": TIME_MS * 1000 + 123_456}
    event = read(mapping, value(op="c", after=row, ts_ms=TIME_MS + 200))
    assert (event.amount, event.timestamp) == (expected, TIME_MS + 123)


def test_4_a_deleted_row_is_no_payment(tmp_path: Path) -> None:
    mapping = mapping_of(tmp_path, amount='{column = "after.amount", scale = 2}')
    with pytest.raises(MalformedEvent) as caught:
        read(mapping, value(op="d", after=None, amount=1))
    assert (caught.value.reason, caught.value.field) == (RejectReason.MISSING_FIELD, "amount")


@pytest.mark.parametrize(
    ("zone", "time", "utc"),
    [
        ("UTC", "02:30", "2019-03-10T02:30"),
        ("America/New_York", "01:59", "2019-03-10T06:59"),
        ("America/New_York", "02:30", "2019-03-10T07:30"),  # skipped: counts by the offset before the gap
        ("America/New_York", "03:00", "2019-03-10T07:00"),
    ],
)
def test_5_parts_of_ids_and_times(tmp_path: Path, zone: str, time: str, utc: str) -> None:
    mapping = mapping_of(
        tmp_path,
        user_id='{columns = ["User", "Card"]}',
        timestamp=f'{{columns = ["Year", "Month", "Day", "Time"], format = "%Y %m %d %H:%M", zone = "{zone}"}}',
    )
    event = read(mapping, value(User=0, Card=2, Year=2019, Month=3, Day=10, Time=time))
    assert event.user_id == "0-2"
    assert event.timestamp == np.datetime64(utc, "ms").astype(np.int64)


def test_6_ids_are_exact(tmp_path: Path) -> None:
    mapping = mapping_of(tmp_path, merchant_id='"Merchant Name"', category='"Zip"')
    event = read(mapping, value(**{"Merchant Name": -4282466774399734331, "Zip": "91750.0"}))
    assert (event.merchant_id, event.category) == ("-4282466774399734331", "91750.0")


def test_6_floats_are_ids_only_where_they_cannot_be_rounded(tmp_path: Path) -> None:
    mapping = mapping_of(tmp_path)
    assert read(mapping, value(user=596.0)).user_id == "596"
    for given in (2.0**53, 1.5):
        with pytest.raises(MalformedEvent, match="below 2\\^53"):
            read(mapping, value(user=given))


CREDIT_TRANSFER = {
    "transaction_id": '"TxId"',
    "amount": '{column = "InstdAmt.Amt.Amt", decimal = ","}',
    "currency": '"InstdAmt.Amt.Ccy"',
    "timestamp": '{column = "CreDtTm", zone = "Europe/Berlin"}',
}


def credit_transfer(amount: str, name: str = "t") -> bytes:
    content = {"Amt": {"Amt": amount, "Ccy": "EUR"}}
    return value(CreDtTm="2026-03-29T02:30:00", InstdAmt=content, TxId=name, EndToEndId="NOTPROVIDED")


def test_7_zone_and_decimal_comma_come_from_the_mapping(tmp_path: Path) -> None:
    event = read(mapping_of(tmp_path, **CREDIT_TRANSFER), credit_transfer("1234,50"))
    assert (event.amount, event.currency) == (1234.5, "EUR")
    assert event.timestamp == np.datetime64("2026-03-29T01:30", "ms").astype(np.int64)


def test_7_an_ambiguous_separator_is_rejected_until_the_mapping_settles_it(tmp_path: Path) -> None:
    with pytest.raises(MalformedEvent, match=r"amount\.thousands") as caught:
        read(mapping_of(tmp_path, **CREDIT_TRANSFER), credit_transfer("1.234,50"))
    assert (caught.value.field, caught.value.value) == ("amount", "1.234,50")
    settled = mapping_of(
        tmp_path, **CREDIT_TRANSFER | {"amount": CREDIT_TRANSFER["amount"][:-1] + ', thousands = "."}'}
    )
    assert read(settled, credit_transfer("1.234,50")).amount == 1234.5
    for wrong in ("1.23,4", ".234,5", "1234.567,8", "1,234.5"):
        with pytest.raises(MalformedEvent):
            read(settled, credit_transfer(wrong))


def test_7_a_sentinel_does_not_make_all_payments_one(tmp_path: Path) -> None:
    mapping = mapping_of(tmp_path, **CREDIT_TRANSFER | {"transaction_id": '"EndToEndId"'})
    with pytest.raises(MalformedEvent, match="stands for no id"):
        read(mapping, credit_transfer("1,00"))


def test_8_a_sentinel_user_is_rejected_and_texts_are_numbers(tmp_path: Path) -> None:
    mapping = mapping_of(tmp_path, user_id='"entityId"', timestamp='"createdAtMillis"', label='"is_fraud"')
    raw = {"createdAtMillis": "1700000000123", "amount": "1e3", "is_fraud": "True"}
    with pytest.raises(MalformedEvent, match="'entityId'") as caught:
        read(mapping, value(entityId="unknown", **raw))
    assert caught.value.field == "user_id"
    event = read(mapping, value(entityId="e1", **raw))
    assert (event.timestamp, event.amount) == (1_700_000_000_123, 1000.0)


def test_8_a_sentinel_within_a_joined_id_is_rejected(tmp_path: Path) -> None:
    mapping = mapping_of(tmp_path, user_id='{columns = ["User", "Card"]}')
    for card in ("unknown", "", None):
        with pytest.raises(MalformedEvent) as caught:
            read(mapping, value(User=1, Card=card))
        assert caught.value.field == "user_id"


@pytest.mark.parametrize("label", ["True", "False", 1, None])
def test_8_the_label_reaches_no_field(tmp_path: Path, label: object) -> None:
    mapping = mapping_of(tmp_path, label='"is_fraud"')
    assert read(mapping, value(is_fraud=label)) == read(mapping, value())


def records(*values: bytes, received: int) -> list[Record]:
    return [Record("transactions", 0, place, None, each, (), received) for place, each in enumerate(values)]


def test_9_an_event_of_the_year_2100_makes_the_next_not_late(tmp_path: Path) -> None:
    mapping = mapping_of(tmp_path, timestamp='{column = "time", unit = "s"}')
    moment = TIME_MS // 1000
    found = records(value(id="a", time=4_102_444_800), value(id="b", time=moment), received=TIME_MS)
    batch, rejected = decode(found, EventSettings(), mapping)
    advance = PartitionState(StateSettings(), late_after_ms=60_000).advance(batch)
    assert [(each.record.offset, each.error.field) for each in rejected] == [(0, "timestamp")]
    assert advance.batch.transaction_id == ("b",)
    assert not advance.late.any()


def test_10_repeats_are_counted_and_a_backlog_equals_the_live_run(tmp_path: Path) -> None:
    mapping = mapping_of(tmp_path, timestamp='{column = "time", unit = "s"}')
    moment = TIME_MS // 1000
    payments = [value(id=name, time=moment + after) for name, after in (("a", 0), ("b", 1800), ("a", 0), ("c", 3600))]
    backlog = PartitionState(StateSettings(), late_after_ms=60_000)
    whole = backlog.advance(decode(records(*payments, received=TIME_MS + 3_600_000), EventSettings(), mapping)[0])
    assert whole.duplicates == 1
    assert whole.batch.transaction_id == ("a", "b", "c")
    live = PartitionState(StateSettings(), late_after_ms=60_000)
    for row, (payment, after_s) in enumerate(((payments[0], 0), (payments[1], 1800), (payments[3], 3600))):
        (record,) = records(payment, received=TIME_MS + after_s * 1000)
        alone = live.advance(decode([record], EventSettings(), mapping)[0])
        np.testing.assert_array_equal(alone.windows.last[0], whole.windows.last[row])
