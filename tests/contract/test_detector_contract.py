"""What every detector promises, asked of each and of all together, trained on simulated payments."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from safetensors.numpy import load, save

from detectors.api import Detector, Floats, Windows
from detectors.bundle import load_bundle
from detectors.chunks import ROWS
from detectors.ensemble import Ensemble
from detectors.registry import KINDS, Storable
from detectors.threads import use_one_thread
from detectors.training.corruption import corrupt
from streamer.state.features import TABLE
from tests.conftest import SMALL_WORLD
from tests.helpers.windows import read_only, set_last, simulated_windows

FEATURES = len(TABLE.features)
RISK = np.array([feature.risk for feature in TABLE.features], np.float32)
MODERATE = settings(max_examples=10, deadline=None)
COUNT = 2 * ROWS + 88
"""Two whole chunks and a part of one."""


@dataclass(frozen=True)
class Together:
    """An ensemble in the form of a detector."""

    ensemble: Ensemble
    name: str = "ensemble"

    def score(self, windows: Windows) -> Floats:
        return self.ensemble.judge(windows).risk

    def explain(self, windows: Windows) -> Floats:
        return self.ensemble.explain(windows)


@pytest.fixture(scope="module")
def detectors(bundle: Path) -> Mapping[str, Detector]:
    use_one_thread()
    ensemble = load_bundle(bundle, TABLE).ensemble
    alone: dict[str, Detector] = {each.name: each for each in ensemble.detectors}
    return {**alone, "ensemble": Together(ensemble)}


@pytest.fixture(scope="module", params=[*KINDS, "ensemble"])
def detector(request: pytest.FixtureRequest, detectors: Mapping[str, Detector]) -> Detector:
    return detectors[request.param]


@pytest.fixture(scope="module")
def windows() -> Windows:
    """Windows that no detector was trained on, those of new users among them."""
    simulated, _ = simulated_windows(SMALL_WORLD, 30)
    new = np.flatnonzero(simulated.length < 3)[:40]
    later = np.arange(len(simulated) - COUNT + len(new), len(simulated))
    return read_only(simulated.rows(np.concatenate([new, later])))


def test_shapes_and_types(detector: Detector, windows: Windows) -> None:
    scores, explained = detector.score(windows), detector.explain(windows)
    assert scores.shape == (COUNT,)
    assert explained.shape == (COUNT, FEATURES)
    assert {scores.dtype, explained.dtype} == {np.dtype(np.float32)}
    assert np.isfinite(scores).all()
    assert np.isfinite(explained).all()
    assert (explained >= 0).all()


def test_no_windows_no_scores(detector: Detector, windows: Windows) -> None:
    nothing = windows.rows(slice(0, 0))
    assert detector.score(nothing).shape == (0,)
    assert detector.explain(nothing).shape == (0, FEATURES)


def test_scores_tell_windows_apart(detector: Detector, windows: Windows) -> None:
    assert len(np.unique(detector.score(windows))) > COUNT / 4


def test_two_runs_give_the_same_bits(detector: Detector, windows: Windows) -> None:
    assert detector.score(windows).tobytes() == detector.score(windows).tobytes()
    assert detector.explain(windows).tobytes() == detector.explain(windows).tobytes()


def test_the_input_is_left_untouched(detector: Detector, windows: Windows) -> None:
    before = windows.steps.tobytes(), windows.length.tobytes(), windows.last.tobytes()
    detector.score(windows)
    detector.explain(windows)
    assert (windows.steps.tobytes(), windows.length.tobytes(), windows.last.tobytes()) == before


@MODERATE
@given(cuts=st.lists(st.integers(0, COUNT), max_size=6), seed=st.integers(0, 2**32))
def test_each_row_gets_the_same_bits_in_any_batch(
    detector: Detector, windows: Windows, cuts: list[int], seed: int
) -> None:
    order = np.random.default_rng(seed).permutation(COUNT)
    batches = [windows.rows(rows) for rows in np.split(order, sorted(cuts))]
    scores = np.concatenate([detector.score(batch) for batch in batches])
    assert scores.tobytes() == detector.score(windows)[order].tobytes()


@pytest.mark.parametrize("row", [0, 1, ROWS - 1, ROWS, COUNT - 1])
def test_a_row_alone_is_explained_as_among_others(detector: Detector, windows: Windows, row: int) -> None:
    alone = detector.explain(windows.rows(slice(row, row + 1)))
    assert alone.tobytes() == detector.explain(windows.rows(slice(max(row - 3, 0), row + 3)))[min(row, 3)].tobytes()


@pytest.mark.parametrize("deviations", [1.0, 3.0, 8.0])
def test_more_risk_is_worse(detector: Detector, windows: Windows, deviations: float) -> None:
    riskier = set_last(windows, windows.last + deviations * RISK * windows.last.std(axis=0))
    assert detector.score(riskier).mean() > detector.score(windows).mean()


def test_corrupted_windows_are_worse(detector: Detector, windows: Windows) -> None:
    corrupted = corrupt(windows, TABLE, np.random.default_rng(0))
    worse = detector.score(corrupted) > np.median(detector.score(windows))
    assert worse.mean() > 0.7


@MODERATE
@given(
    values=hnp.arrays(np.float32, (3, FEATURES), elements=st.floats(width=32, allow_nan=False, allow_infinity=False))
)
def test_any_finite_input_gives_a_finite_score(
    detector: Detector, windows: Windows, values: NDArray[np.float32]
) -> None:
    extreme = set_last(windows.rows(slice(COUNT - 3, COUNT)), values)
    extreme.steps[1] = values[1, : TABLE.steps]
    assert np.isfinite(detector.score(extreme)).all()
    assert np.isfinite(detector.explain(extreme)).all()


def test_a_first_event_is_judged(detector: Detector, windows: Windows) -> None:
    first = windows.rows(windows.length == 1)
    assert len(first) > 0
    assert not first.steps[:, :-1].any()
    assert np.isfinite(detector.score(first)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_stored_detector_gives_the_same_bits(detectors: Mapping[str, Detector], windows: Windows, kind: str) -> None:
    detector = detectors[kind]
    assert isinstance(detector, KINDS[kind])
    stored: Storable = detector
    arrays = load(save({name: np.ascontiguousarray(array) for name, array in stored.arrays().items()}))
    restored = KINDS[kind].load(TABLE, json.loads(json.dumps(stored.config())), arrays)
    assert restored.name == stored.name
    assert restored.score(windows).tobytes() == stored.score(windows).tobytes()
    assert restored.explain(windows).tobytes() == stored.explain(windows).tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_detector_with_a_missing_or_misshapen_part_is_refused(detectors: Mapping[str, Detector], kind: str) -> None:
    stored = detectors[kind]
    assert isinstance(stored, KINDS[kind])
    arrays = dict(stored.arrays())
    for name in (next(iter(arrays)), list(arrays)[-1]):
        missing = {other: array for other, array in arrays.items() if other != name}
        with pytest.raises(ValueError):  # noqa: PT011 (each kind says it in its own words)
            KINDS[kind].load(TABLE, stored.config(), missing)
        misshapen = {**arrays, name: np.zeros((2, 3, 4), np.float32)}
        with pytest.raises(ValueError):  # noqa: PT011
            KINDS[kind].load(TABLE, stored.config(), misshapen)


@pytest.mark.parametrize("kind", ["vae", "gan"])
@pytest.mark.parametrize("scale", [0.0, -1.0, np.inf])
def test_a_scale_that_is_none_is_refused(detectors: Mapping[str, Detector], kind: str, scale: float) -> None:
    stored = detectors[kind]
    assert isinstance(stored, KINDS[kind])
    damaged = {**stored.arrays(), "scaling.scale": np.full(FEATURES, scale, np.float32)}
    with pytest.raises(ValueError, match="not a scaling"):
        KINDS[kind].load(TABLE, stored.config(), damaged)
