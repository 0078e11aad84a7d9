"""Decoding of arbitrary bytes: total, order-keeping, and alike in batches of any size."""

import json
import re
from dataclasses import fields
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.errors import MalformedEvent
from streamer.events.decode import decode, decode_one
from streamer.events.event import EventBatch
from streamer.events.plain import PlainTransaction
from streamer.events.record import Record
from streamer.events.values import EARLIEST_MS, LATEST_MS, LONGEST_TEXT, SENTINELS
from streamer.settings import EventSettings

SETTINGS = EventSettings(max_bytes=2_000)
NAMES = PlainTransaction.__struct_fields__

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=LONGEST_TEXT)
names = texts.filter(lambda text: not text.isspace() and text.casefold() not in SENTINELS)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.sampled_from(sorted(SENTINELS)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
transactions = st.fixed_dictionaries(
    {
        "transaction_id": names,
        "user_id": names,
        "amount": st.floats(-1e12, 1e12),
        "timestamp": st.integers(EARLIEST_MS, LATEST_MS - 1),
    },
    optional={
        **dict.fromkeys(("merchant_id", "category", "currency", "channel", "country", "device_id"), names),
        "latitude": st.floats(-90, 90),
        "longitude": st.floats(-180, 180),
    },
)
odd_objects = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), json_values, max_size=14)
spoilt_transactions = st.builds(lambda good, odd: good | odd, transactions, odd_objects)
values = (
    st.none()
    | st.binary(max_size=200)
    | st.builds(
        lambda value: json.dumps(value).encode(), transactions | odd_objects | spoilt_transactions | json_values
    )
    | st.builds(lambda value, cut: json.dumps(value).encode()[:cut], transactions, st.integers(0, 200))
)


def numbered(contents: list[bytes | None], timestamps: list[int]) -> list[Record]:
    return [
        Record("t", 0, offset, None, value, timestamp=timestamps[offset % len(timestamps)])
        for offset, value in enumerate(contents)
    ]


def rows(batch: EventBatch) -> list[tuple[object, ...]]:
    columns = [getattr(batch, field.name) for field in fields(EventBatch)]
    return list(zip(*(each.tolist() if isinstance(each, np.ndarray) else each for each in columns), strict=True))


@settings(deadline=None, max_examples=300)
@given(
    st.lists(values, max_size=8),
    st.lists(st.integers(-1, LATEST_MS), min_size=1, max_size=3),
    st.sampled_from([1, 3, 500]),
)
def test_a_batch_equals_its_records_one_by_one_and_loses_none(
    contents: list[bytes | None], timestamps: list[int], together: int
) -> None:
    records = numbered(contents, timestamps)
    with patch("streamer.events.decode._TOGETHER", together):
        batch, rejected = decode(records, SETTINGS)
    singles = [decode([record], SETTINGS) for record in records]
    assert rows(batch) == [row for single, _ in singles for row in rows(single)]
    alone = [each for _, faults in singles for each in faults]
    assert [(each.record, str(each.error)) for each in rejected] == [(each.record, str(each.error)) for each in alone]
    assert sorted([*batch.records, *(each.record for each in rejected)], key=lambda r: r.offset) == records
    for each in rejected:
        assert each.error.remedy


@settings(deadline=None, max_examples=300)
@given(st.lists(transactions, min_size=2, max_size=6), st.data())
def test_what_reads_as_transactions_only_side_by_side_is_none(
    several: list[dict[str, object]], data: st.DataObject
) -> None:
    """Records that are crafted to end within one another are judged as if each stood alone."""
    several = [{**each, "category": "a,b", "channel": "x},{y"} for each in several]
    whole = b",".join(json.dumps(each).encode() for each in several)
    commas = [place for place, byte in enumerate(whole) if byte == ord(",")]
    cuts = sorted(data.draw(st.sets(st.sampled_from(commas), max_size=2 * len(several))))
    begins, ends = [0, *(cut + 1 for cut in cuts)], [*cuts, len(whole)]
    records = numbered([whole[begin:end] for begin, end in zip(begins, ends, strict=True)], [-1])
    batch, rejected = decode(records, SETTINGS)
    singles = [decode([record], SETTINGS) for record in records]
    assert rows(batch) == [row for single, _ in singles for row in rows(single)]
    assert len(batch) + len(rejected) == len(records)


@settings(deadline=None, max_examples=300)
@given(values, st.integers(-1, LATEST_MS))
def test_the_fast_path_accepts_what_the_careful_one_accepts(value: bytes | None, timestamp: int) -> None:
    (record,) = numbered([value], [timestamp])
    batch, rejected = decode([record], SETTINGS)
    if rejected:
        with pytest.raises(MalformedEvent, match=re.escape(str(rejected[0].error))):
            decode_one(record, SETTINGS)
        return
    event = decode_one(record, SETTINGS)
    for name in set(NAMES) - {"latitude", "longitude"}:
        assert getattr(batch, name)[0] == getattr(event, name)
    assert batch.located[0] == (event.latitude is not None and event.longitude is not None)


@settings(deadline=None)
@given(st.lists(transactions, max_size=5))
def test_valid_transactions_come_through_unchanged(given_events: list[dict[str, object]]) -> None:
    roomy = EventSettings(max_bytes=100_000)
    batch, rejected = decode(numbered([json.dumps(event).encode() for event in given_events], [-1]), roomy)
    assert not rejected
    for row, event in enumerate(given_events):
        assert batch.located[row] == ("latitude" in event and "longitude" in event)
        for name in NAMES:
            found = getattr(batch, name)[row]
            if name in {"latitude", "longitude"}:
                assert found == (event[name] if batch.located[row] else 0)
            else:
                assert found == event.get(name)
