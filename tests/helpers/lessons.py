"""What the tests of single models learn from: real windows, cut by time, and their scaling."""

from functools import cache

from detectors.scaling import Scaling
from detectors.training.dataset import Parts, split_by_time
from streamer.state.features import TABLE
from tests.conftest import SMALL_WORLD
from tests.helpers.windows import simulated_windows


@cache
def parts() -> Parts:
    """Return two weeks of the small world; the newest fifth is held back."""
    return split_by_time(simulated_windows(SMALL_WORLD, 15)[0], 0.2)


@cache
def scaling() -> Scaling:
    """Return the scaling of what is learnt from."""
    return Scaling.fit(parts().fit, TABLE)
