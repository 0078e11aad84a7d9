"""The state of a partition against a naive oracle, and against itself in other batches."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.events.event import EventBatch
from streamer.events.record import Record
from streamer.settings import StateSettings
from streamer.state.features import TABLE
from streamer.state.partition import Advance, PartitionState
from tests.property.state_oracle import Event, Oracle

NOON = 1_735_732_800_000
PLACES = [None, (50.1, 8.7), (50.2, 8.6), (48.1, 11.6), (1.35, 103.8)]


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    """Logs with ties, late events, repeated ids, refunds, unknown fields and more names than fit."""
    time = NOON
    events = []
    for number in range(draw(st.integers(1, 60))):
        time += draw(st.sampled_from([0, 1, 500, 30_000, 3_600_000, 50_000_000, 3_000_000_000, -40_000, -7_200_000]))
        repeated = draw(st.integers(0, 9)) == 0
        events.append(
            Event(
                transaction_id=f"t{draw(st.integers(0, number)) if repeated else number}",
                user=f"u{draw(st.integers(0, 5))}",
                amount=draw(st.sampled_from([0.0, 0.01, 3.5, 20.0, 47.11, 900.0, 1e7, -12.3])),
                time=time,
                merchant=draw(st.sampled_from([None, *(f"m{i}" for i in range(16))])),
                category=draw(st.sampled_from([None, *(f"c{i}" for i in range(10))])),
                device=draw(st.sampled_from([None, *(f"d{i}" for i in range(6))])),
                country=draw(st.sampled_from([None, "DE", "FR", "SG"])),
                place=draw(st.sampled_from(PLACES)),
            )
        )
    return events


def batch_of(events: Sequence[Event]) -> EventBatch:
    return EventBatch(
        records=tuple(Record("t", 0, i, None, b"") for i in range(len(events))),
        arrived=np.full(len(events), -1),
        transaction_id=tuple(e.transaction_id for e in events),
        user_id=tuple(e.user for e in events),
        amount=np.array([e.amount for e in events], np.float64),
        timestamp=np.array([e.time for e in events], np.int64),
        merchant_id=tuple(e.merchant for e in events),
        category=tuple(e.category for e in events),
        currency=(None,) * len(events),
        channel=(None,) * len(events),
        country=tuple(e.country for e in events),
        device_id=tuple(e.device for e in events),
        latitude=np.array([e.place[0] if e.place else 0.0 for e in events], np.float64),
        longitude=np.array([e.place[1] if e.place else 0.0 for e in events], np.float64),
        located=np.array([e.place is not None for e in events], np.bool_),
    )


def small_state() -> PartitionState:
    return PartitionState(StateSettings(users=4, merchants=9, transaction_ids=40), late_after_ms=60_000)


@settings(max_examples=150, deadline=None)
@given(logs())
def test_features_and_windows_equal_the_naive_oracle(events: list[Event]) -> None:
    oracle = Oracle(users=4, merchants=9, ids=40)
    expected = [answer for event in events if (answer := oracle.feed(event)) is not None]
    done = small_state().advance(batch_of(events))
    assert len(done.batch) == len(expected)
    assert done.duplicates == len(events) - len(expected)
    for row, (features, window) in enumerate(expected):
        np.testing.assert_allclose(
            done.windows.last[row], [features[name] for name in TABLE.names], rtol=2e-3, atol=2e-3
        )
        steps = [[step[name] for name in TABLE.names[: TABLE.steps]] for step in window]
        assert done.windows.length[row] == len(window)
        np.testing.assert_allclose(done.windows.steps[row, 32 - len(window) :], steps, rtol=2e-3, atol=2e-3)
        assert not done.windows.steps[row, : 32 - len(window)].any()


def bits(parts: Sequence[Advance]) -> list[bytes]:
    return [
        b"".join(array[row].tobytes() for array in (p.windows.steps, p.windows.last, p.windows.length, p.past, p.late))
        for p in parts
        for row in range(len(p.batch))
    ]


@settings(max_examples=100, deadline=None)
@given(logs(), st.data())
def test_any_split_into_batches_gives_the_same_bits(events: list[Event], data: st.DataObject) -> None:
    whole = small_state()
    cut = small_state()
    edges = sorted(data.draw(st.sets(st.integers(0, len(events)))) | {0, len(events)})
    parts, read = [], []
    for a, b in pairwise(edges):
        part = cut.advance(batch_of(events[a:b]))
        parts.append(part)
        read += [cut.recent_payments(part.past, row) for row in range(len(part.batch))]
    once = whole.advance(batch_of(events))
    assert read == [whole.recent_payments(once.past, row) for row in range(len(once.batch))]
    assert bits(parts) == bits([once])
    assert sum(part.out_of_order for part in parts) == once.out_of_order
    assert (cut.users, cut.merchants, cut.clock) == (whole.users, whole.merchants, whole.clock)


@settings(max_examples=100, deadline=None)
@given(logs())
def test_what_people_read_is_the_users_true_past(events: list[Event]) -> None:
    state = PartitionState(StateSettings(users=100, merchants=100, transaction_ids=1000), late_after_ms=60_000)
    done = state.advance(batch_of(events))
    kept = [events[int(record.offset)] for record in done.batch.records]
    clock = 0
    for row, event in enumerate(kept):
        own = [e for e in kept[: row + 1] if e.user == event.user]
        payments = state.recent_payments(done.past, row)
        assert [(p.timestamp, p.amount, p.merchant_id) for p in payments] == [
            (e.time, e.amount, e.merchant) for e in own[::-1][:10]
        ]
        for name, horizon in (("count_1h", 1), ("count_24h", 24), ("count_7d", 168)):
            within = sum(0 <= event.time - e.time <= horizon * 3_600_000 for e in own[-32:])
            assert done.past[row][name] == within
        assert done.past[row]["events"] == len(own) - 1
        assert done.late[row] == (event.time < clock - 60_000)
        clock = max(clock, event.time)
    newest = np.maximum.accumulate([event.time for event in kept])
    behind = sum(e.time < n for e, n in zip(kept, newest, strict=True))
    assert done.out_of_order == behind - done.late.sum()


def test_a_users_window_holds_the_last_32_events_in_order() -> None:
    events = [Event(f"t{i}", "u", float(i + 1), NOON + i * 60_000, "m", None, None, None, None) for i in range(50)]
    done = small_state().advance(batch_of(events))
    amounts = np.exp(done.windows.steps[49, :, TABLE.column("log_amount")].astype(np.float64)) - 0.5
    np.testing.assert_allclose(amounts, np.arange(19, 51), rtol=1e-5)


def test_windows_that_somebody_keeps_stay_as_they_were() -> None:
    users = "abacab" + "abcdefgh" * 12
    events = [Event(f"t{i}", u, i + 1.0, NOON + i * 60_000, "m", None, None, None, None) for i, u in enumerate(users)]
    state = small_state()
    kept = state.advance(batch_of(events[:6]))
    state.advance(batch_of(events[6:]))
    assert bits([kept]) == bits([small_state().advance(batch_of(events[:6]))])


def test_memory_stays_within_its_bounds() -> None:
    state = small_state()
    events = [Event(f"t{i}", f"u{i}", 1.0, NOON + i, f"m{i}", None, None, None, None) for i in range(500)]
    state.advance(batch_of(events))
    assert (state.users, state.merchants) == (4, 9)
    assert (state.user_evictions, state.merchant_evictions) == (496, 491)


def test_old_payments_that_arrive_today_are_no_burst() -> None:
    day = 86_400_000
    new = [Event(f"n{i}", "u", 20.0, NOON + (40 + i) * day, "m", "c", "d", "DE", None) for i in range(10)]
    old = [Event(f"o{i}", "u", 20.0, NOON + i * day, "m", "c", "d", "DE", None) for i in range(30)]
    done = small_state().advance(batch_of([*new, *old]))
    last = done.windows.last[-1]
    assert done.late[-1]
    assert last[TABLE.column("count_1h")] < 0.7
    assert last[TABLE.column("quickness")] < -4
    assert last[TABLE.column("sum_1d")] < 1
