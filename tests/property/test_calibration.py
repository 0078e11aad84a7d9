"""Tail curves: monotone, faithful to the counts they come from, finite everywhere."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from detectors.calibration import HIGHEST, TailCurve, TailCurves

SCORES = hnp.arrays(np.float64, st.integers(1, 400), elements=st.floats(-1e9, 1e9))
UNHURRIED = settings(deadline=None)
"""The first curve that is asked waits for the compiler."""

COARSE = hnp.arrays(np.float64, st.integers(1, 400), elements=st.sampled_from([0.0, 1.0, 2.0]))


@UNHURRIED
@given(SCORES | COARSE, hnp.arrays(np.float64, 50, elements=st.floats(-1e300, 1e300)))
@example(np.array([-5e-324, 5e-324]), np.array([0.0, *[1.0] * 49]))
def test_a_higher_score_is_never_less_rare(scores: np.ndarray, asked: np.ndarray) -> None:
    tails = TailCurve.fit(scores)(np.sort(asked))
    assert (np.diff(tails) >= 0).all()
    assert np.isfinite(tails).all()
    assert tails.min() >= 0
    assert tails.max() <= HIGHEST


@UNHURRIED
@given(COARSE)
def test_coarse_scores_have_the_rarity_that_was_counted(scores: np.ndarray) -> None:
    tails = TailCurve.fit(scores)(scores)
    counted = [-np.log((scores >= score).mean()) for score in scores]
    np.testing.assert_allclose(tails, counted, rtol=1e-6, atol=1e-6)


@UNHURRIED
@given(COARSE)
def test_coarse_scores_are_not_extrapolated(scores: np.ndarray) -> None:
    assert TailCurve.fit(scores)(np.array([1e6])) == TailCurve.fit(scores)(np.array([scores.max()]))


@UNHURRIED
@given(st.integers(0, 2**32), st.sampled_from([5_000, 20_000]))
def test_fresh_scores_exceed_a_threshold_as_often_as_it_says(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    curve = TailCurve.fit(rng.normal(size=count))
    tails = curve(rng.normal(size=100_000))
    for rarity in (0.1, 0.01, 0.003):
        share = float((tails >= -np.log(rarity)).mean())
        assert share == pytest.approx(rarity, rel=6 / np.sqrt(rarity * count))


def sums_of_tails(rng: np.random.Generator, count: int) -> np.ndarray:
    """Draw weighted sums of two tails that know of each other."""
    common, own = rng.exponential(size=(2, count)), rng.random(count) < 0.5
    return np.asarray(common[0] + 0.4 * np.where(own, common[1], common[0]))


@UNHURRIED
@given(st.integers(0, 2**32), st.sampled_from([5_000, 20_000]))
def test_fresh_sums_exceed_a_threshold_as_often_as_it_says(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    curve = TailCurve.fit_sums(sums_of_tails(rng, count))
    tails = curve(sums_of_tails(rng, 200_000))
    for rarity in (0.1, 0.01, 0.002):
        share = float((tails >= -np.log(rarity)).mean())
        assert share == pytest.approx(rarity, rel=6 / np.sqrt(rarity * count))


def test_a_threshold_for_sums_means_the_same_from_one_sample_to_the_next() -> None:
    rng = np.random.default_rng(2)
    fresh = sums_of_tails(rng, 200_000)
    shares: dict[str, list[float]] = {"counted": [], "by law": []}
    for _ in range(60):
        sample = sums_of_tails(rng, 8_000)
        for name, curve in (("counted", TailCurve.fit(sample)), ("by law", TailCurve.fit_sums(sample))):
            shares[name].append(float((curve(fresh) >= -np.log(0.005)).mean()))
    counted, by_law = (np.std(np.log(each)) for each in shares.values())
    assert by_law < 0.9 * counted
    assert np.mean(shares["by law"]) == pytest.approx(0.005, rel=0.05)


@UNHURRIED
@given(SCORES | COARSE)
def test_sums_of_all_kinds_have_a_curve(sums: np.ndarray) -> None:
    curve = TailCurve.fit_sums(sums)
    assert TailCurve.of(curve.arrays())(sums).tobytes() == curve(sums).tobytes()
    assert (np.diff(curve(np.sort(sums))) >= 0).all()


@UNHURRIED
@given(SCORES)
def test_a_restored_curve_gives_the_same_bits(scores: np.ndarray) -> None:
    curve = TailCurve.fit(scores)
    asked = np.linspace(-1e9, 1e9, 101)
    assert (TailCurve.of(curve.arrays())(asked) == curve(asked)).all()


@UNHURRIED
@given(st.lists(SCORES | COARSE, min_size=1, max_size=5), st.integers(0, 2**32))
def test_many_curves_at_once_interpolate_as_each_alone(samples: list[np.ndarray], seed: int) -> None:
    curves = [TailCurve.fit(scores) for scores in samples]
    draw = np.random.default_rng(seed)
    knots = [draw.choice(curve.scores, 40) for curve in curves]
    around = [np.concatenate([each, each + draw.normal(size=40)]) for each in knots]
    asked = np.stack(around, axis=1).astype(np.float32)
    together = TailCurves(curves)(asked)
    for place, curve in enumerate(curves):
        values = asked[:, place].astype(np.float64)
        beyond = np.maximum(values - curve.scores[-1], 0) / curve.scale
        expected = np.minimum(np.interp(values, curve.scores, curve.tails) + beyond, HIGHEST)
        np.testing.assert_allclose(together[:, place], expected, rtol=1e-6, atol=1e-6)
        assert (together[:, place] == curve(values)).all()


def test_what_is_no_number_has_no_tail() -> None:
    curve = TailCurve.fit(np.random.default_rng(0).normal(size=1_000))
    assert np.isnan(curve(np.array([np.nan])))
    assert curve(np.array([np.inf])) == HIGHEST
    assert curve(np.array([-np.inf])) == 0


@UNHURRIED
@given(st.permutations(range(60)))
def test_each_score_is_judged_alone(order: list[int]) -> None:
    curve = TailCurve.fit(np.random.default_rng(1).normal(size=1_000))
    asked = np.linspace(-3, 6, 60)
    assert (curve(asked[order]) == curve(asked)[order]).all()
    assert all(curve(asked[i : i + 1])[0] == curve(asked)[i] for i in range(60))


@pytest.mark.parametrize("scores", [[], [np.nan], [1.0, np.inf]])
def test_scores_that_are_none_are_refused(scores: list[float]) -> None:
    for fit in (TailCurve.fit, TailCurve.fit_sums):
        with pytest.raises(ValueError, match="finite"):
            fit(np.array(scores))


@pytest.mark.parametrize(
    "damage",
    [{"scores": [1.0, 0.0]}, {"tails": [2.0, 1.0]}, {"tails": [0.0, np.nan]}, {"scale": [0.0]}, {"scores": [1.0]}],
)
def test_a_damaged_curve_is_refused(damage: dict[str, list[float]]) -> None:
    whole = {"scores": [0.0, 1.0], "tails": [0.0, 2.0], "scale": [1.0]}
    with pytest.raises(ValueError, match="curve"):
        TailCurve.of({name: np.array(values) for name, values in (whole | damage).items()})


@UNHURRIED
@given(st.integers(0, 2**32))
def test_a_score_just_beyond_a_bounded_distribution_is_no_miracle(seed: int) -> None:
    curve = TailCurve.fit(np.random.default_rng(seed).beta(5, 2, size=10_000))
    at_the_bound, beyond = curve(np.array([1.0, 1.02]))
    assert beyond - at_the_bound < 1.5
