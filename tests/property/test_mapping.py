"""Mappings of any input: nothing but MalformedEvent is raised, ids stay apart, numbers stay exact."""

import contextlib
import json
import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import MalformedEvent
from streamer.events import foreign
from streamer.events.decode import decode
from streamer.events.mapping_spec import AmountSpec, TimeSpec
from streamer.events.transaction import Transaction
from streamer.settings import EventSettings
from tests.helpers.mappings import mapping_of, read
from tests.helpers.payments import payments

PARTS = st.lists(st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=5), min_size=2, max_size=2)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def joined(parts: list[str]) -> str | None:
    try:
        return foreign.joined("user_id", parts)
    except MalformedEvent:
        return None


@given(PARTS, PARTS)
def test_two_lists_of_ids_never_become_one(first: list[str], second: list[str]) -> None:
    one, other = joined(first), joined(second)
    if one is not None and one == other:
        assert first == second


@given(st.lists(st.integers(), min_size=2, max_size=3).filter(lambda parts: min(parts) >= 0))
def test_whole_numbers_are_joined_by_plain_dashes(parts: list[int]) -> None:
    assert foreign.joined("user_id", parts) == "-".join(map(str, parts))


@given(st.integers(-(10**14), 10**14), st.sampled_from([("JPY", 0), ("EUR", 2), ("KWD", 3), ("CLF", 4)]))
def test_minor_units_are_exact(minor: int, currency: tuple[str, int]) -> None:
    code, exponent = currency
    spec = AmountSpec(column="amount", unit="minor")
    assert Decimal(str(foreign.amount(minor, spec, code))) == Decimal(minor).scaleb(-exponent)


@given(st.integers(1_000_000_000_000_000_000, 4_000_000_000_000_000_000))
def test_nanoseconds_are_rounded_down_and_never_pass_through_floats(moment: int) -> None:
    spec = TimeSpec(column="time", unit="ns")
    assert foreign.timestamp(moment, spec) == foreign.timestamp(str(moment), spec) == moment // 1_000_000


@given(st.decimals(-(10**9), 10**9, places=2), st.sampled_from(["", ".", " ", "'"]))
def test_written_amounts_read_back(amount: Decimal, thousands: str) -> None:
    spec = AmountSpec(column="amount", decimal=",", thousands=thousands)  # type: ignore[arg-type]  # sampled
    text = f"{amount:,.2f}".replace(",", "t").replace(".", ",").replace("t", thousands)
    assert Decimal(str(foreign.amount(text + " €", spec, None))) == amount


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mapping")


@given(st.tuples(JSON, JSON, JSON, JSON), st.sampled_from(["s", "ms", "us", "ns"]), st.sampled_from(["major", "minor"]))
def test_anything_is_a_payment_or_malformed(
    folder: Path, values: tuple[object, object, object, object], unit: str, amounts: str
) -> None:
    mapping = mapping_of(
        folder,
        user_id='{columns = ["user", "card"]}',
        amount=f'{{column = "amount", unit = "{amounts}"}}',
        timestamp=f'{{column = "time", unit = "{unit}", zone = "Europe/Berlin"}}',
        currency='{constant = "EUR"}',
        latitude='"card"',
    )
    document = dict(zip(("user", "card", "amount", "time"), values, strict=True)) | {"id": 1}
    amount = 0.0
    with contextlib.suppress(MalformedEvent):
        amount = read(mapping, json.dumps(document).encode()).amount
    assert math.isfinite(amount)


@pytest.mark.parametrize("given", ["1_000", "١٢", "1e999999999", "nan", "", "--5", "5-"])
def test_minor_units_are_no_way_around_what_a_number_is(given: str) -> None:
    assert foreign.amount(given, AmountSpec(column="amount", unit="minor"), "EUR") == given


def test_fields_mapped_onto_themselves_change_nothing(folder: Path) -> None:
    names = Transaction.__struct_fields__
    mapping = mapping_of(folder, **{name: f'"{name}"' for name in names})
    records = payments(400)
    mapped, rejected = decode(records, EventSettings(), mapping)
    plain, _ = decode(records, EventSettings())
    assert not rejected
    for name in (*names, "located"):
        np.testing.assert_array_equal(getattr(mapped, name), getattr(plain, name))
