"""Features read backwards give the natural values they were made of; reasons stay within bounds."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from streamer.alerts.contract import MOST_REASONS
from streamer.alerts.explanations import EXPLANATIONS
from streamer.alerts.reasons import find_reasons
from streamer.alerts.situation import Situation
from streamer.state.features import TABLE

F = len(TABLE.features)
amounts = st.floats(0, 1e9)
means = st.floats(1, 1e6)
hours = st.floats(1 / 3600, 720)


def situation(features: dict[str, float], amount: float, count: int = 1) -> Situation:
    unset = dict.fromkeys(TABLE.names, 0.0)
    return Situation(unset | features, unset, amount, 0, count, count, count, merchant_known=True, in_order=True)


@given(amounts, means, st.tuples(hours, hours), st.floats(0, 1e7), st.integers(0, 10**6))
def test_natural_values_come_back(
    amount: float, mean: float, gaps: tuple[float, float], spent_before: float, earlier: int
) -> None:
    waited, gap = gaps
    total = spent_before + amount
    now = situation(
        {
            "amount_ratio": math.log((amount + 0.5) / (mean + 0.5)),
            "quickness": -math.log(waited),
            "quickness_ratio": math.log(gap / waited),
            "sum_1d": math.log((mean + 0.5 + total) / ((mean + 0.5) * (1 + 24 / gap))),
            "history": math.log(1 + earlier),
        },
        amount,
    )
    assert now.user_mean == pytest.approx(mean, rel=1e-6)
    assert now.waited_h == pytest.approx(waited)
    assert now.usual_gap_h == pytest.approx(gap)
    assert now.spent("sum_1d", 24) == pytest.approx((total, (mean + 0.5) * 24 / gap), rel=1e-6, abs=1e-3)
    assert now.earlier == earlier


@given(
    hnp.arrays(np.float32, F, elements=st.floats(-12, 12, width=32)),
    hnp.arrays(np.float32, F, elements=st.floats(-12, 12, width=32)),
    hnp.arrays(np.float32, F, elements=st.floats(-5, 1000, width=32)),
    amounts,
    st.integers(1, 32),
)
def test_reasons_stay_within_their_bounds(
    features: np.ndarray, typical: np.ndarray, contributions: np.ndarray, amount: float, count: int
) -> None:
    now = situation(dict(zip(TABLE.names, features.tolist(), strict=True)), amount, count)
    found = find_reasons(now, TABLE.names, contributions)
    assert 1 <= len(found) <= MOST_REASONS
    assert sum(reason.contribution for reason in found) <= 1 + 1e-9
    shares = [reason.contribution for reason in found]
    assert shares == sorted(shares, reverse=True)
    topics = [EXPLANATIONS[reason.feature].topic for reason in found if reason.feature]
    assert len(set(topics)) == len(topics)
    for reason in found:
        assert reason.text[0].isupper() or reason.text[0].isdigit()
        assert reason.text.endswith(".")
        if reason.value is not None and reason.typical is not None:
            assert math.isfinite(reason.value)
            assert (reason.value > reason.typical) == (reason.direction == "higher")
