"""What networks read: scaled, bounded, and blank where nothing happened."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from detectors.api import Windows
from detectors.scaling import EXTRA_CHANNELS, LEAST, MOST
from streamer.state.features import TABLE
from tests.helpers.lessons import parts, scaling
from tests.helpers.windows import set_last

S = TABLE.steps
AMOUNT, RATIO = TABLE.column("log_amount"), TABLE.column("amount_ratio")


def windows() -> Windows:
    """Return windows of all lengths."""
    return parts().fit.rows(slice(0, 3_000))


def real() -> np.ndarray:
    return np.arange(TABLE.window) >= TABLE.window - windows().length[:, None]


def test_features_are_scaled_within_bounds() -> None:
    channels = scaling().window(windows())
    assert channels.shape == (3_000, TABLE.window, S + EXTRA_CHANNELS)
    expected = ((windows().steps - scaling().center[:S]) / scaling().scale[:S]).clip(LEAST, MOST)
    assert_allclose(channels[real()][:, :S], expected[real()], atol=2e-6)


def test_amounts_are_centred_by_the_mean_as_of_the_judged_event() -> None:
    mean = windows().last[:, AMOUNT] - windows().last[:, RATIO]
    ratio = (windows().steps[:, :, AMOUNT] - mean[:, None] - scaling().center[RATIO]) / scaling().scale[RATIO]
    assert_allclose(scaling().window(windows())[real()][:, S], ratio.clip(LEAST, MOST)[real()], atol=2e-6)


def test_steps_before_the_first_event_are_blank_and_real_ones_marked() -> None:
    channels = scaling().window(windows())
    assert not real().all()
    assert not channels[~real()].any()
    assert (channels[:, :, -1] == real()).all()


def test_the_last_event_is_scaled_within_the_bounds_that_are_asked_for() -> None:
    exact = (windows().last - scaling().center) / scaling().scale
    assert_allclose(scaling().last(windows()), exact, atol=2e-6, rtol=2e-6)
    assert_allclose(scaling().last(windows(), LEAST, MOST), exact.clip(LEAST, MOST), atol=2e-6)


@pytest.mark.parametrize("value", [3.4e38, -3.4e38])
def test_the_farthest_values_stay_finite(value: float) -> None:
    extreme = set_last(windows(), np.full_like(windows().last, value))
    channels = scaling().window(extreme)
    assert channels.min() >= LEAST
    assert channels.max() <= MOST
    assert np.isfinite(scaling().last(extreme)).all()
