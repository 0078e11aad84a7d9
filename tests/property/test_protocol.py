"""The protocol's pure functions against their definitions, written as plain loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.protocol.card_precision import card_precision
from streamer.protocol.figures import Truth, figures_of
from streamer.protocol.split import DAY_MS, Split

PAYMENT = st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 4), st.booleans(), st.integers(-20, 200))
"""Day, card, score, fraud, amount."""

PAYMENTS = st.lists(PAYMENT, min_size=1, max_size=60)
Rows = list[tuple[int, int, int, bool, int]]


def naive_card_precision(rows: Rows, cards_per_day: int) -> list[float]:
    blocked: set[int] = set()
    found = []
    for day in sorted({row[0] for row in rows}):
        risk: dict[int, int] = {}
        defrauded = set()
        for today, card, score, fraud, _ in rows:
            if today == day and card not in blocked:
                risk[card] = max(risk.get(card, -1), score)
                if fraud:
                    defrauded.add(card)
        ranked = sorted(risk, key=lambda card: (-risk[card], card))[:cards_per_day]
        caught = defrauded.intersection(ranked)
        found.append(len(caught) / cards_per_day)
        blocked |= caught
    return found


@given(PAYMENTS, st.integers(1, 4))
def test_card_precision(rows: Rows, cards_per_day: int) -> None:
    day, card, score, fraud, _ = (np.array(column) for column in zip(*rows, strict=True))
    found = card_precision(score.astype(np.float32), day, card, fraud, cards_per_day=cards_per_day)
    assert list(found) == naive_card_precision(rows, cards_per_day)


@given(st.permutations(range(30)), st.lists(PAYMENT, min_size=30, max_size=30))
def test_card_precision_does_not_depend_on_the_order_of_payments(order: list[int], rows: Rows) -> None:
    day, card, score, fraud, _ = (np.array(column) for column in zip(*rows, strict=True))
    one = card_precision(score, day, card, fraud, cards_per_day=2)
    assert one == card_precision(score[order], day[order], card[order], fraud[order], cards_per_day=2)


SPLITS = st.builds(Split, st.just(10 * DAY_MS), st.integers(1, 3), st.integers(0, 3), st.integers(1, 3))
EVENTS = st.lists(st.tuples(st.integers(0, 25 * 24), st.integers(0, 4)), max_size=30)
"""Hour and card."""


@given(SPLITS, EVENTS, EVENTS)
def test_known_cards(split: Split, payments: list[tuple[int, int]], frauds: list[tuple[int, int]]) -> None:
    times = np.array([hour * 3_600_000 for hour, _ in payments], np.int64)
    tested = split.tests(times)
    card = np.array([card for _, card in payments], np.int64)[tested]
    fraud_times = np.array([hour * 3_600_000 for hour, _ in frauds], np.int64)
    fraud_card = np.array([card for _, card in frauds], np.int64)
    expected = []
    for time, one in zip(times[tested].tolist(), card.tolist(), strict=True):
        midnight = time - time % DAY_MS
        known_until = midnight - split.delay_days * DAY_MS
        expected.append(
            any(
                other == one and split.train_start <= then < known_until
                for then, other in zip(fraud_times.tolist(), fraud_card.tolist(), strict=True)
            )
        )
    assert split.known_cards(times[tested], card, fraud_times, fraud_card).tolist() == expected


@given(SPLITS, st.lists(st.integers(0, 25 * DAY_MS), max_size=30))
def test_no_payment_both_trains_and_tests_and_labels_of_training_are_known(split: Split, times: list[int]) -> None:
    given_times = np.array(times, np.int64)
    trains, tests = split.trains(given_times), split.tests(given_times)
    assert not (trains & tests).any()
    if trains.any() and tests.any():
        assert given_times[tests].min() - given_times[trains].max() > split.delay_days * DAY_MS
    days = split.test_day(given_times[tests])
    assert ((days >= 0) & (days < split.test_days)).all()


@given(PAYMENTS)
def test_money_and_alerts(rows: Rows) -> None:
    day, card, score, fraud, amount = (np.array(column) for column in zip(*rows, strict=True))
    truth = Truth(day, card, fraud, amount.astype(np.float64))
    if fraud.all() or not fraud.any():
        with pytest.raises(ValueError, match="both kinds"):
            figures_of(score, truth, cards_per_day=2)
        return
    found = figures_of(score, truth, cards_per_day=2)
    assert found.card_precision == pytest.approx(np.mean(naive_card_precision(rows, 2)))
    # With so few payments every rate looks at just one: the first of the riskiest.
    first = max(range(len(rows)), key=lambda row: (rows[row][2], -row))
    lost = sum(max(row[4], 0) for row in rows if row[3])
    hit = rows[first][3]
    for rate in (0.001, 0.005, 0.01):
        assert found.recall_at[rate] == pytest.approx(hit / fraud.sum())
        assert found.value_recall_at[rate] == pytest.approx(hit * max(rows[first][4], 0) / lost if lost else 0)
        assert found.alerts_per_fraud_at[rate] == (1 if hit else None)


def test_rates_look_at_their_share_of_the_riskiest() -> None:
    score = np.arange(1000.0)[::-1]
    fraud = np.zeros(1000, np.bool_)
    fraud[[0, 3, 7, 500]] = True
    amount = np.ones(1000)
    amount[0] = 97
    nothing = np.zeros(1000, np.int64)
    found = figures_of(score, Truth(nothing, np.arange(1000), fraud, amount), cards_per_day=10)
    assert found.recall_at == {0.001: 1 / 4, 0.005: 2 / 4, 0.01: 3 / 4}
    assert found.value_recall_at == {0.001: 0.97, 0.005: 0.98, 0.01: 0.99}
    assert found.alerts_per_fraud_at == {0.001: 1.0, 0.005: 2.5, 0.01: pytest.approx(10 / 3)}
    assert found.card_precision == 3 / 10
