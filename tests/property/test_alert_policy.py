"""The policy against a plain oracle, in batches of any size, and across a snapshot."""

import json
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.alerts.policy import Policy, Verdict
from streamer.alerts.scale import risk_level, severity, threshold_tail
from streamer.events.event import EventBatch
from streamer.events.record import Record
from streamer.settings import AlertSettings

NOON = 1_735_732_800_000
BUDGET = 1_000.0
THRESHOLD = threshold_tail(BUDGET)

Judged = tuple[str, int, float]

events = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.integers(-50, 200).map(lambda seconds: NOON + 1000 * seconds),
        st.sampled_from([0.0, THRESHOLD - 0.01, THRESHOLD, THRESHOLD + 1, THRESHOLD + 2.4, THRESHOLD + 5]),
    ),
    max_size=40,
)


def batch_of(judged: Sequence[Judged]) -> EventBatch:
    unknown = (None,) * len(judged)
    zeros = np.zeros(len(judged))
    return EventBatch(
        records=tuple(Record("t", 0, offset, None, b"") for offset in range(len(judged))),
        arrived=np.full(len(judged), -1),
        transaction_id=tuple(str(number) for number in range(len(judged))),
        user_id=tuple(user for user, _, _ in judged),
        amount=zeros,
        timestamp=np.array([time for _, time, _ in judged], np.int64),
        merchant_id=unknown,
        category=unknown,
        currency=unknown,
        channel=unknown,
        country=unknown,
        device_id=unknown,
        latitude=zeros,
        longitude=zeros,
        located=zeros.astype(np.bool_),
    )


def decide(policy: Policy, judged: Sequence[Judged]) -> tuple[list[Verdict], int]:
    verdicts = policy.decide(batch_of(judged), np.array([risk for _, _, risk in judged], np.float64))
    return list(verdicts.raised), verdicts.hidden


def policy(suppress_s: float = 60.0, most_users: int = 10) -> Policy:
    return Policy(AlertSettings(alerts_per_million=BUDGET, suppress_s=suppress_s), most_users=most_users)


@given(events, st.lists(st.integers(0, 10), max_size=10))
def test_a_batch_decides_like_its_events_one_by_one(judged: list[Judged], sizes: list[int]) -> None:
    raised, hidden = decide(policy(), judged)
    other = policy()
    found = []
    hidden_in_parts = start = 0
    for size in [*sizes, len(judged)]:
        part, hidden_here = decide(other, judged[start : start + size])
        found += [(start + verdict.row, verdict.risk, verdict.level, verdict.hidden, verdict.until) for verdict in part]
        hidden_in_parts += hidden_here
        start += size
    assert found == [(v.row, v.risk, v.level, v.hidden, v.until) for v in raised]
    assert hidden_in_parts == hidden


@given(events)
def test_every_event_at_the_threshold_is_raised_or_counted_as_hidden(judged: list[Judged]) -> None:
    raised, hidden = decide(policy(), judged)
    reached = [row for row, (_, _, risk) in enumerate(judged) if risk >= THRESHOLD]
    assert len(raised) + hidden == len(reached)
    assert {verdict.row for verdict in raised} <= set(reached)
    for verdict in raised:
        assert verdict.level == risk_level(judged[verdict.row][2], THRESHOLD)


@given(events)
def test_what_was_hidden_is_told_by_the_next_alert_of_the_user(judged: list[Judged]) -> None:
    raised, hidden = decide(policy(), judged)
    by_row = {verdict.row: verdict for verdict in raised}
    waiting: dict[str, int] = {}
    for row, (user, _, risk) in enumerate(judged):
        if row in by_row:
            assert by_row[row].hidden == waiting.pop(user, 0)
        elif risk >= THRESHOLD:
            waiting[user] = waiting.get(user, 0) + 1
    assert sum(verdict.hidden for verdict in raised) + sum(waiting.values()) == hidden


@given(events)
def test_only_a_higher_level_breaks_the_silence_after_an_alert(judged: list[Judged]) -> None:
    raised, _ = decide(policy(), judged)
    in_order = all(earlier[1] <= later[1] for earlier, later in pairwise(judged))
    last: dict[str, Verdict] = {}
    for verdict in raised:
        user, time, _ = judged[verdict.row]
        before = last.get(user)
        if before is not None and in_order and time < before.until:
            assert severity(verdict.level) > severity(before.level)
        last[user] = verdict


@given(events)
def test_nothing_is_hidden_when_hiding_is_off(judged: list[Judged]) -> None:
    assert decide(policy(suppress_s=0.0), judged)[1] == 0


@settings(max_examples=50)
@given(events, events)
def test_a_restored_policy_goes_on_as_if_never_stopped(before: list[Judged], after: list[Judged]) -> None:
    running = policy(most_users=2)
    decide(running, before)
    resumed = policy(most_users=2)
    resumed.restore(tuple(each) for each in json.loads(json.dumps(running.export())))
    assert decide(resumed, after) == decide(running, after)
    assert resumed.export() == running.export()
    assert len(running.export()) <= 2


@settings(max_examples=50)
@given(events, events)
def test_a_frozen_policy_is_that_of_its_moment(before: list[Judged], after: list[Judged]) -> None:
    running = policy(most_users=3)
    decide(running, before)
    exported, frozen = running.export(), running.freeze()
    decide(running, after)
    assert list(frozen) == exported


def test_late_repeats_belong_to_the_episode_and_old_events_do_not() -> None:
    high = THRESHOLD + 0.1
    judged = [("a", NOON, high), ("a", NOON - 59_000, high), ("a", NOON - 61_000, high), ("a", NOON + 59_000, high)]
    raised, hidden = decide(policy(), judged)
    assert [(verdict.row, verdict.hidden) for verdict in raised] == [(0, 0), (2, 1)]
    assert hidden == 2


def test_the_user_alerted_longest_ago_is_forgotten_first() -> None:
    small = policy(most_users=2)
    high = THRESHOLD + 0.1
    decide(small, [("a", NOON, high), ("b", NOON, high), ("a", NOON + 1, high), ("c", NOON, high)])
    assert [user for user, *_ in small.export()] == ["a", "c"]
    assert len(decide(small, [("b", NOON + 2, high)])[0]) == 1
