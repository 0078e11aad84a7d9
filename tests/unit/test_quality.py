"""Figures of a ranking against small cases done by hand and a direct definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.training.evaluate import quality


def test_a_perfect_ranking() -> None:
    figures = quality(np.array([3.0, 2.0, 1.0, 0.0]), np.array([True, True, False, False]))
    assert figures.auc == 1.0
    assert figures.average_precision == 1.0


def test_by_hand() -> None:
    figures = quality(np.array([4.0, 3.0, 2.0, 1.0]), np.array([False, True, False, True]))
    assert figures.auc == pytest.approx(1 / 4)
    assert figures.average_precision == pytest.approx((1 / 2 + 2 / 4) / 2)


def test_a_constant_score_knows_nothing() -> None:
    figures = quality(np.zeros(10), np.arange(10) < 3)
    assert figures.auc == 0.5
    assert figures.average_precision == pytest.approx(0.3)


def test_a_burst_counts_once() -> None:
    score = np.arange(1000.0)[::-1]
    fraud = np.zeros(1000, np.bool_)
    fraud[[0, 1, 2, 500]] = True
    episode = np.zeros(1000, np.int64)
    episode[500] = 1
    figures = quality(score, fraud, episode)
    assert figures.recall_at[0.005] == pytest.approx(3 / 4)
    assert figures.episodes_at[0.005] == pytest.approx(1 / 2)
    assert figures.precision_at[0.005] == pytest.approx(3 / 5)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
def test_auc_is_the_chance_that_fraud_outranks_honesty(rows: list[tuple[int, bool]]) -> None:
    score = np.array([float(s) for s, _ in rows])
    fraud = np.array([f for _, f in rows])
    if fraud.all() or not fraud.any():
        with pytest.raises(ValueError, match="both kinds"):
            quality(score, fraud)
        return
    pairs = [(a > b) + (a == b) / 2 for a in score[fraud] for b in score[~fraud]]
    assert quality(score, fraud).auc == pytest.approx(float(np.mean(pairs)))
