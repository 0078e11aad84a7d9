"""The ensemble: rarity of its risk, independence of rows, explanations that add up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.ensemble import LEAST_WEIGHT, Ensemble, separating_weights
from detectors.models.tails import FeatureTails
from streamer.state.features import TABLE
from tests.helpers.small_bundles import drawn_windows
from tests.unit.test_bundle import risky_windows

ENSEMBLE = Ensemble.calibrate(
    [FeatureTails.fit(drawn_windows(5_000, seed=0), TABLE)], drawn_windows(20_000, seed=1), risky_windows(1_000)
)


@pytest.mark.parametrize("rarity", [0.1, 0.01, 0.002])
def test_fresh_ordinary_windows_reach_a_risk_as_often_as_it_says(rarity: float) -> None:
    risk = ENSEMBLE.judge(drawn_windows(100_000, seed=3)).risk
    share = float((risk >= -np.log(rarity)).mean())
    assert share == pytest.approx(rarity, rel=6 / np.sqrt(rarity * 20_000))


@given(st.permutations(range(40)), st.integers(1, 39))
def test_each_row_is_judged_alone(order: list[int], cut: int) -> None:
    windows = drawn_windows(40, seed=4)
    whole = ENSEMBLE.judge(windows)
    shuffled = ENSEMBLE.judge(windows.rows(np.array(order)))
    assert shuffled.risk.tobytes() == whole.risk[order].tobytes()
    parts = [ENSEMBLE.judge(windows.rows(part)) for part in (slice(0, cut), slice(cut, 40))]
    assert np.concatenate([part.raw for part in parts]).tobytes() == whole.raw.tobytes()


def test_explanations_are_shares_and_name_the_unusual_feature() -> None:
    windows = drawn_windows(50, seed=5)
    windows.last[:, TABLE.column("travel_speed")] = 9.0
    shares = ENSEMBLE.explain(windows)
    assert shares.shape == (50, len(TABLE.features))
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-5)
    assert (shares.argmax(axis=1) == TABLE.column("travel_speed")).all()
    assert not shares[:, TABLE.column("hour_sin")].any()


def test_weights_follow_what_a_detector_can_tell() -> None:
    rng = np.random.default_rng(1)
    knowing = rng.exponential(size=4_000)
    calm = np.stack([knowing[:2_000], rng.exponential(size=2_000)], axis=1).astype(np.float32)
    alarmed = np.stack([knowing[2_000:] + 4, rng.exponential(size=2_000)], axis=1).astype(np.float32)
    weights = separating_weights(calm, alarmed)
    assert weights.tolist() == [1.0, LEAST_WEIGHT]
    assert separating_weights(calm[:, ::-1], alarmed[:, ::-1]).tolist() == [LEAST_WEIGHT, 1.0]


def test_detectors_that_can_tell_nothing_are_heard_alike() -> None:
    calm = np.ones((100, 3), np.float32)
    assert separating_weights(calm, calm).min() > 0
