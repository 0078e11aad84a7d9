"""The scale of risk and the texts of money."""

import math
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from streamer.alerts.scale import LEVELS, risk_level, risk_score, severity, threshold_tail
from streamer.alerts.texts import money_text

tails = st.floats(-5, 60)
budgets = st.floats(0.01, 999_999)


@given(tails, tails, budgets)
def test_score_and_level_rise_with_the_tail(one: float, other: float, budget: float) -> None:
    low, high = sorted((one, other))
    threshold = threshold_tail(budget)
    assert 0 <= risk_score(low) <= risk_score(high) <= 1000
    assert severity(risk_level(low, threshold)) <= severity(risk_level(high, threshold))


@given(st.floats(0, 6))
def test_the_score_counts_decades_of_rarity(decades: float) -> None:
    tail = -math.log(10**-decades)
    assert abs(risk_score(tail) - decades * 1000 / 6) <= 0.5 + 1e-9


def test_the_scale_is_pinned() -> None:
    assert [risk_score(threshold_tail(budget)) for budget in (1_000, 100, 1, 0.001)] == [500, 667, 1000, 1000]
    assert risk_score(0.0) == 0


@given(budgets, st.floats(1.001, 9.99))
def test_levels_are_decades_above_the_budget(budget: float, rarer: float) -> None:
    threshold = threshold_tail(budget)
    found = [risk_level(threshold + math.log(rarer * step), threshold) for step in (0.1, 1, 10, 100, 1_000)]
    assert found == [*LEVELS, "critical"]
    assert risk_level(threshold, threshold) == "elevated"


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.integers(0, 6))
def test_money_is_exact_to_fifteen_digits(digits: int, places: int) -> None:
    exact = Decimal(digits).scaleb(-places)
    assert Decimal(money_text(float(exact))) == exact
    assert "e" not in money_text(float(exact)).lower()


@given(st.floats(-1e12, 1e12))
def test_money_reads_back_as_the_same_number(amount: float) -> None:
    assert float(money_text(amount)) == amount
