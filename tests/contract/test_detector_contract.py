"""What every detector promises, asked of every model on every backbone and of an ensemble."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from safetensors.numpy import load, save

from detectors.api import Detector, Floats, Windows
from detectors.backends import back_end
from detectors.backends.attach import attach
from detectors.calibration import TailCurve
from detectors.chunks import ROWS
from detectors.ensemble import Ensemble
from detectors.models.autoregressive import AutoregressiveConfig
from detectors.models.backbones import BACKBONES
from detectors.models.classifier import ClassifierConfig
from detectors.models.gan import GanConfig
from detectors.models.tails import FeatureTails
from detectors.models.vae import VaeConfig
from detectors.registry import KINDS, Storable
from detectors.threads import use_one_thread
from detectors.training.corruption import corrupt
from detectors.training.fit import TrainingConfig, fit_autoregressive, fit_classifier, fit_gan, fit_vae, split
from streamer.state.features import TABLE
from tests.conftest import SMALL_WORLD
from tests.helpers.windows import read_only, set_last, simulated_windows

FEATURES = len(TABLE.features)
RISK = np.array([feature.risk for feature in TABLE.features], np.float32)
FEW = settings(max_examples=5, deadline=None)
COUNT = ROWS + 88
"""A whole chunk and a part of one."""
EXPLAINED = slice(0, 50)

WITHOUT_NETWORK = {FeatureTails.name}
STORED = [
    *WITHOUT_NETWORK,
    *(f"{kind} on {backbone}" for kind in KINDS if kind not in WITHOUT_NETWORK for backbone in BACKBONES),
]

ON_OTHER_BACK_ENDS = [
    *(f"gan on {backbone} by onnx" for backbone in BACKBONES),
    "vae on tcn by onnx",
    "classifier on tcn by onnx",
    "gan on tcn by int8",
    "vae on attention by int8",
]


@dataclass(frozen=True)
class Together:
    """An ensemble in the form of a detector."""

    ensemble: Ensemble
    name: str = "ensemble"

    def score(self, windows: Windows) -> Floats:
        return self.ensemble.judge(windows).risk

    def explain(self, windows: Windows) -> Floats:
        return self.ensemble.explain(windows)


def tiny(backbone: str) -> TrainingConfig:
    return TrainingConfig(
        seed=7,
        epochs=2,
        batch_size=64,
        learning_rate=6e-3,
        vae=VaeConfig(backbone=backbone, width=16, latent=4, hidden=32),
        gan=GanConfig(backbone=backbone, width=16, hidden=32, noise=8),
        autoregressive=AutoregressiveConfig(backbone=backbone, width=16, hidden=16),
        classifier=ClassifierConfig(backbone=backbone, width=16, hidden=32),
    )


@cache
def history() -> Windows:
    simulated, _ = simulated_windows(SMALL_WORLD, 20)
    return simulated.rows(slice(len(simulated) - 2_000, len(simulated)))


@cache
def labelled() -> tuple[Windows, NDArray[np.bool_]]:
    """History of which a fifth are corrupted, and known to be."""
    rng = np.random.default_rng(1)
    fraud = rng.random(len(history())) < 0.2
    bad = corrupt(history(), TABLE, rng)
    steps = np.where(fraud[:, None, None], bad.steps, history().steps)
    last = np.where(fraud[:, None], bad.last, history().last)
    return Windows(steps, history().length, last), fraud


@cache
def trained(name: str) -> Storable:
    use_one_thread()
    kind, _, backbone = name.partition(" on ")
    config = tiny(backbone)
    parts = split(history(), config)
    with_labels, fraud = labelled()
    fits: dict[str, Callable[[], Storable]] = {
        "tails": lambda: FeatureTails.fit(parts.fit, TABLE),
        "vae": lambda: fit_vae(parts, TABLE, config, lambda _: None),
        "gan": lambda: fit_gan(parts, TABLE, config, lambda _: None),
        "autoregressive": lambda: fit_autoregressive(parts, TABLE, config, lambda _: None),
        "classifier": lambda: fit_classifier(split(with_labels, config), fraud, TABLE, config, lambda _: None),
    }
    return fits[kind]()


@cache
def by_back_end(name: str) -> Detector:
    model, _, backend = name.partition(" by ")
    before = trained(model)
    curve = TailCurve.fit(before.score(history()))
    return attach(Ensemble((before,), (curve,), np.ones(1), curve), back_end(backend)).ensemble.detectors[0]


@cache
def ensemble() -> Together:
    held_back = split(history(), tiny("tcn")).held_back
    suspicious = corrupt(held_back, TABLE, np.random.default_rng(0))
    members = [trained(name) for name in ("vae on tcn", "gan on tcn", "tails")]
    return Together(Ensemble.calibrate(members, held_back, suspicious))


@pytest.fixture(scope="module", params=[*STORED, *ON_OTHER_BACK_ENDS, "ensemble"])
def detector(request: pytest.FixtureRequest) -> Detector:
    if request.param in ON_OTHER_BACK_ENDS:
        return by_back_end(request.param)
    return ensemble() if request.param == "ensemble" else trained(request.param)


@pytest.fixture(scope="module", params=STORED)
def stored(request: pytest.FixtureRequest) -> Storable:
    return trained(request.param)


@pytest.fixture(scope="module")
def windows() -> Windows:
    """Windows that no detector was trained on, those of new users among them."""
    simulated, _ = simulated_windows(SMALL_WORLD, 30)
    new = np.flatnonzero(simulated.length < 3)[:40]
    later = np.arange(len(simulated) - COUNT + len(new), len(simulated))
    return read_only(simulated.rows(np.concatenate([new, later])))


def test_shapes_and_types(detector: Detector, windows: Windows) -> None:
    scores, explained = detector.score(windows), detector.explain(windows.rows(EXPLAINED))
    assert scores.shape == (COUNT,)
    assert explained.shape == (EXPLAINED.stop, FEATURES)
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
    few = windows.rows(EXPLAINED)
    assert detector.explain(few).tobytes() == detector.explain(few).tobytes()


def test_the_input_is_left_untouched(detector: Detector, windows: Windows) -> None:
    before = windows.steps.tobytes(), windows.length.tobytes(), windows.last.tobytes()
    detector.score(windows)
    detector.explain(windows.rows(EXPLAINED))
    assert (windows.steps.tobytes(), windows.length.tobytes(), windows.last.tobytes()) == before


def test_what_others_made_of_the_same_windows_changes_nothing(detector: Detector, windows: Windows) -> None:
    together = windows.for_several()
    for _ in range(2):
        for other in (detector, *(trained(name) for name in ("vae on tcn", "gan on tcn", "autoregressive on tcn"))):
            assert other.score(together).tobytes() == other.score(windows).tobytes()
    few = windows.rows(EXPLAINED)
    assert detector.explain(together.rows(EXPLAINED)).tobytes() == detector.explain(few).tobytes()
    assert detector.score(together).tobytes() == detector.score(windows).tobytes()


@FEW
@given(cuts=st.lists(st.integers(0, COUNT), max_size=4), seed=st.integers(0, 2**32))
def test_each_row_gets_the_same_bits_in_any_batch(
    detector: Detector, windows: Windows, cuts: list[int], seed: int
) -> None:
    order = np.random.default_rng(seed).permutation(COUNT)
    batches = [windows.rows(rows) for rows in np.split(order, sorted(cuts))]
    scores = np.concatenate([detector.score(batch) for batch in batches])
    assert scores.tobytes() == detector.score(windows)[order].tobytes()


@pytest.mark.parametrize("row", [0, 1, ROWS, COUNT - 1])
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


@FEW
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


def test_what_stands_before_the_first_event_does_not_matter(detector: Detector, windows: Windows) -> None:
    steps = windows.steps.copy()
    padding = np.arange(TABLE.window) < TABLE.window - windows.length[:, None]
    assert padding.any()
    steps[padding] = 7
    filled = Windows(steps, windows.length, windows.last)
    assert detector.score(filled).tobytes() == detector.score(windows).tobytes()


def test_a_stored_detector_gives_the_same_bits(stored: Storable, windows: Windows) -> None:
    kind = type(stored)
    arrays = load(save({name: np.ascontiguousarray(array) for name, array in stored.arrays().items()}))
    restored = kind.load(TABLE, json.loads(json.dumps(stored.config())), arrays)
    few = windows.rows(EXPLAINED)
    assert restored.name == stored.name
    assert restored.score(windows).tobytes() == stored.score(windows).tobytes()
    assert restored.explain(few).tobytes() == stored.explain(few).tobytes()


@pytest.mark.parametrize("name", ON_OTHER_BACK_ENDS)
def test_a_back_end_scores_as_torch_does(name: str, windows: Windows) -> None:
    model, _, backend = name.partition(" by ")
    was = trained(model).score(windows)
    apart = np.abs(by_back_end(name).score(windows) - was)
    assert 0 < apart.max() <= back_end(backend).tolerance * was.std()


def test_every_kind_is_tested() -> None:
    assert {type(trained(name)) for name in STORED} == set(KINDS.values())
    assert all(type(trained(name)) is KINDS[name.partition(" ")[0]] for name in STORED)


def without(arrays: Mapping[str, NDArray[np.generic]], name: str) -> dict[str, NDArray[np.generic]]:
    return {other: array for other, array in arrays.items() if other != name}


def test_a_detector_with_a_missing_or_misshapen_part_is_refused(stored: Storable) -> None:
    arrays = stored.arrays()
    for name in arrays:
        with pytest.raises(ValueError):  # noqa: PT011 (each kind says it in its own words)
            type(stored).load(TABLE, stored.config(), without(arrays, name))
        with pytest.raises(ValueError):  # noqa: PT011
            type(stored).load(TABLE, stored.config(), {**arrays, name: np.zeros((2, 3, 4), np.float32)})


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in WITHOUT_NETWORK])
@pytest.mark.parametrize("scale", [0.0, -1.0, np.inf])
def test_a_scale_that_is_none_is_refused(kind: str, scale: float) -> None:
    detector = trained(f"{kind} on tcn")
    damaged = {**detector.arrays(), "scaling.scale": np.full(FEATURES, scale, np.float32)}
    with pytest.raises(ValueError, match="not a scaling"):
        type(detector).load(TABLE, detector.config(), damaged)
