"""Images of a state that goes on changing, and states that come back from them."""

from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.state import snapshot
from streamer.state.image import Rows
from streamer.state.partition import Advance, PartitionState, Payment
from streamer.state.snapshot import Label
from tests.helpers.snapshots import LIMITS, LOG_ID, SOURCE, bits, empty_state, read
from tests.property.state_oracle import Event
from tests.property.test_state import NOON, batch_of, logs
from tests.property.test_state import bits as outcome


def event_of(number: int, *, user: str) -> Event:
    return Event(f"t{number}", user, 3.5, NOON + number, f"m{number}", None, None, None, None)


EVENTS = [event_of(number, user=f"u{number}") for number in range(20)]


@settings(max_examples=100, deadline=None)
@given(logs(), st.data())
def test_an_image_is_the_state_as_it_was_begun_whatever_happened_since(
    events: list[Event], data: st.DataObject
) -> None:
    begin = data.draw(st.integers(0, len(events)))
    state, still = empty_state(), empty_state()
    state.advance(batch_of(events[:begin]))
    still.advance(batch_of(events[:begin]))
    image = state.begin_image()
    slices: list[Rows] = []
    rest = image.slices(data.draw(st.integers(1, 5_000)))
    position = begin
    while image.is_open:
        slices.extend(rows for _ in range(data.draw(st.integers(0, 3))) if (rows := next(rest, None)) is not None)
        if position == len(events):
            slices.extend(rest)
        else:
            batch = events[position : position + data.draw(st.integers(1, 4))]
            position += len(batch)
            state.advance(batch_of(batch))
    stream = BytesIO()
    snapshot.write(stream, Label(SOURCE, LOG_ID, 7, 1_700_000_000_000), image.head, slices, b"extra")
    assert stream.getvalue() == bits(still)


@settings(max_examples=100, deadline=None)
@given(logs(), st.data())
def test_a_state_that_was_stored_goes_on_like_the_one_it_is_of(events: list[Event], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(events)))
    state = empty_state()
    state.advance(batch_of(events[:cut]))
    restored, saved = read(bits(state))
    assert (saved.label.source, saved.label.next_offset, saved.extra) == (SOURCE, 7, b"extra")
    assert bits(restored) == bits(state)
    before, after = state.advance(batch_of(events[cut:])), restored.advance(batch_of(events[cut:]))
    assert outcome([after]) == outcome([before])
    assert (after.duplicates, recent(restored, after)) == (before.duplicates, recent(state, before))
    assert bits(restored) == bits(state)


def recent(state: PartitionState, advance: Advance) -> list[tuple[Payment, ...]]:
    return [state.recent_payments(advance.past, row) for row in range(len(advance.past))]


def test_a_state_has_one_image_at_a_time() -> None:
    state = empty_state()
    state.advance(batch_of(EVENTS))
    image = state.begin_image()
    with pytest.raises(RuntimeError, match="one image at a time"):
        state.begin_image()
    image.abandon()
    assert not list(image.slices(1))
    assert list(state.begin_image().slices(1_000_000))


def test_a_larger_limit_takes_a_smaller_state_and_goes_on() -> None:
    state = empty_state()
    state.advance(batch_of(EVENTS))
    restored, _ = read(bits(state), LIMITS.model_copy(update={"users": 50, "merchants": 60, "transaction_ids": 70}))
    restored.advance(batch_of([event_of(number, user=f"new{number}") for number in range(100, 120)]))
    assert restored.users == 24
