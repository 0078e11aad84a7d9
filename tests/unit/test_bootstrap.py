"""Figures of weighted payments, and intervals by drawing users."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.training.bootstrap import Ranking, Weights, draws, intervals
from detectors.training.evaluate import quality

ROWS = st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.integers(0, 3)), min_size=2, max_size=40)


@given(st.lists(st.booleans(), min_size=2, max_size=60).filter(lambda truth: any(truth) and not all(truth)))
def test_without_weights_the_figures_are_the_usual_ones(truth: list[bool]) -> None:
    fraud = np.array(truth)
    score = np.random.default_rng(0).integers(0, 10, len(fraud)).astype(np.float64)
    found, usual = Ranking.of(score, fraud).figures(np.ones(len(fraud))), quality(score, fraud)
    assert found["auc"] == pytest.approx(usual.auc)
    assert found["average_precision"] == pytest.approx(usual.average_precision)


def test_recall_is_that_of_the_riskiest() -> None:
    fraud = np.zeros(1_000, np.bool_)
    fraud[[0, 3, 500, 999]] = True
    found = Ranking.of(-np.arange(1_000.0), fraud).figures(np.ones(1_000))
    assert [found[f"recall_at_{rate}"] for rate in (0.001, 0.005, 0.01)] == pytest.approx([0.25, 0.5, 0.5])


def test_recall_grows_with_the_rate_and_ties_share_what_they_find() -> None:
    ranking = Ranking.of(np.array([3.0, 2.0, 2.0, 2.0, 2.0, 1.0]), np.array([False, True, True, False, False, False]))
    rates = [0, 1 / 6, 2 / 6, 3 / 6, 5 / 6, 1]
    assert ranking.recall_at(rates) == pytest.approx([0, 0, 0.25, 0.5, 1, 1])


@given(ROWS)
def test_a_payment_that_counts_thrice_is_three_payments(rows: list[tuple[int, bool, int]]) -> None:
    score, fraud, times = (np.array(column) for column in zip(*rows, strict=True))
    weighted = Ranking.of(score.astype(np.float64), fraud.astype(np.bool_)).figures(times.astype(np.float64))
    if not times.sum():
        assert weighted == {}
        return
    repeated = Ranking.of(np.repeat(score, times).astype(np.float64), np.repeat(fraud, times).astype(np.bool_))
    assert weighted == pytest.approx(repeated.figures(np.ones(times.sum())))


def test_where_one_kind_is_missing_there_are_no_figures() -> None:
    assert Ranking.of(np.arange(5.0), np.zeros(5, np.bool_)).figures(np.ones(5)) == {}


def test_a_draw_takes_users_with_all_of_their_payments() -> None:
    user = np.array([0, 1, 1, 1, 2, 2, 3])
    for weights in draws(user, 20, np.random.default_rng(1)):
        by_user = [set(weights[user == number]) for number in range(4)]
        assert all(len(found) == 1 for found in by_user)
        assert sum(found.pop() for found in by_user) == 4


def test_the_interval_of_a_mean_is_the_textbooks() -> None:
    value = np.random.default_rng(2).normal(3.0, 2.0, 900)
    found = intervals(lambda w: {"mean": float(w @ value / w.sum())}, np.arange(900), np.random.default_rng(3))["mean"]
    error = 1.96 * value.std() / 30
    assert found.value == pytest.approx(value.mean())
    assert found.high - found.value == pytest.approx(error, rel=0.2)
    assert found.value - found.low == pytest.approx(error, rel=0.2)


def test_payments_of_few_users_are_fewer_witnesses() -> None:
    rng = np.random.default_rng(4)
    user = np.repeat(np.arange(30), 30)
    value = rng.normal(size=30)[user] + rng.normal(size=900) / 10

    def measure(weights: Weights) -> Mapping[str, float]:
        return {"mean": float(weights @ value / weights.sum())}

    alone = intervals(measure, np.arange(900), np.random.default_rng(5))["mean"]
    together = intervals(measure, user, np.random.default_rng(5))["mean"]
    assert together.high - together.low > 3 * (alone.high - alone.low)


def test_the_same_seed_gives_the_same_interval() -> None:
    score, fraud = np.random.default_rng(6).normal(size=300), np.arange(300) % 10 == 0
    ranking, user = Ranking.of(score, fraud), np.arange(300) // 3
    once, again = (intervals(ranking.figures, user, np.random.default_rng(7)) for _ in range(2))
    assert once == again
    assert all(each.low <= each.value <= each.high for each in once.values())


def test_a_curve_begins_at_the_first_fraud_and_ends_at_the_last() -> None:
    fraud = np.array([True, False, True, False, False])
    recall, precision = Ranking.of(-np.arange(5.0), fraud).curve(50)
    assert recall.tolist() == [0.5, 1.0]
    assert precision == pytest.approx([1.0, 2 / 3])
