"""The arithmetic behind the figures of `make bench`."""

from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.timing import (
    EVENTS_PER_S,
    US_PER_EVENT,
    Measurement,
    paired_ratios,
    percentile,
    ratio,
    repeat,
    us_per_unit,
)


def measured(unit: str, *values: float) -> Measurement:
    return Measurement("area", "what", unit, values)


def test_the_median_and_the_spread() -> None:
    figure = measured("ms", 5.0, 1.0, 2.0)
    assert (figure.median, figure.least, figure.most) == (2.0, 1.0, 5.0)
    assert measured("ms", 1.0, 2.0).median == 1.5


def test_a_figure_needs_a_value() -> None:
    with pytest.raises(ValueError, match="never measured"):
        measured("ms")


def test_rates_and_times_compare_as_rates() -> None:
    bare = measured(EVENTS_PER_S, 100_000.0)
    assert ratio(measured(EVENTS_PER_S, 40_000.0, 50_000.0, 60_000.0), bare) == 0.5
    assert ratio(measured(US_PER_EVENT, 5.0), bare) == pytest.approx(2.0)


def test_memory_has_no_rate() -> None:
    assert ratio(measured("MB", 1.0), measured(EVENTS_PER_S, 1.0)) is None


def test_a_round_is_compared_with_the_bare_client_of_the_same_round() -> None:
    bare = measured(EVENTS_PER_S, 100_000.0, 50_000.0)
    assert paired_ratios(measured(EVENTS_PER_S, 40_000.0, 20_000.0), bare) == (0.4, 0.4)
    assert paired_ratios(measured(US_PER_EVENT, 5.0, 10.0), bare) == pytest.approx((2.0, 2.0))


@pytest.mark.parametrize("other", [measured(EVENTS_PER_S, 1.0), measured("MB", 1.0, 2.0)])
def test_other_rounds_and_other_figures_are_not_compared(other: Measurement) -> None:
    with pytest.raises(ValueError, match="what"):
        paired_ratios(other, measured(EVENTS_PER_S, 1.0, 2.0))


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1), (0.5, 50), (0.501, 51), (0.99, 99), (1.0, 100)])
def test_percentiles_of_a_hundred(share: float, expected: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == expected


@given(st.lists(st.floats(allow_nan=False), min_size=1), st.floats(0, 1))
def test_a_percentile_is_the_smallest_value_that_covers_its_share(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) * (1 - 1e-12)
    assert sum(value < found for value in values) <= share * len(values)


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 1.1), ([1.0], -0.1)])
def test_no_percentile_of_nothing(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="no percentile"):
        percentile(values, share)


def test_the_first_run_is_discarded() -> None:
    runs = count()
    assert repeat(3, lambda: float(next(runs))) == (1.0, 2.0, 3.0)
    assert next(runs) == 4


def test_time_is_shared_among_the_units() -> None:
    moments: Iterator[float] = iter([10.0, 12.0])
    assert us_per_unit(lambda: 4, lambda: next(moments)) == 500_000.0
