"""Two bundles on the same payments: what is told, and what is objected to."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.api import Floats, Windows
from detectors.bundle import Bundle, load_bundle, save_bundle
from detectors.calibration import TailCurve
from detectors.ensemble import Ensemble
from detectors.models.tails import FeatureTails
from detectors.training.bootstrap import Interval
from detectors.training.corruption import corrupt
from streamer.cards.card import Difference
from streamer.comparison import compare, objections, rival_of
from streamer.errors import ArchiveError
from streamer.exam import Exam
from streamer.history import History
from streamer.state.features import TABLE
from tests.conftest import SMALL_WORLD
from tests.helpers.small_bundles import MADE, drawn_windows
from tests.helpers.windows import simulated_windows

WORLD = replace(SMALL_WORLD, episodes_per_1000_user_days=20.0)
HOUR_MS = 3_600_000
KNOWN = 200
"""Payments that the old bundle has learnt from."""


@pytest.fixture(scope="module")
def drawn() -> tuple[Windows, NDArray[np.bool_]]:
    return simulated_windows(WORLD, 12)


@pytest.fixture(scope="module")
def bundle(drawn: tuple[Windows, NDArray[np.bool_]], tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    past = drawn[0].rows(slice(0, 1_500))
    fit, held_back = past.rows(slice(0, 1_000)), past.rows(slice(1_000, None))
    suspicious = corrupt(held_back, TABLE, np.random.default_rng(0))
    ensemble = Ensemble.calibrate([FeatureTails.fit(fit, TABLE)], held_back, suspicious)
    place = tmp_path_factory.mktemp("compared") / "old"
    save_bundle(place, ensemble, TABLE, MADE)
    return load_bundle(place, TABLE)


@pytest.fixture(scope="module")
def frauds(drawn: tuple[Windows, NDArray[np.bool_]]) -> NDArray[np.bool_]:
    return drawn[1][1_500:]


@pytest.fixture(scope="module")
def history(drawn: tuple[Windows, NDArray[np.bool_]]) -> History:
    """Payments an hour apart, of users that take turns."""
    windows = drawn[0].rows(slice(1_500, None))
    return History(
        windows,
        (np.arange(len(windows)) - KNOWN) * HOUR_MS + MADE.trained_until + 1,
        np.array([f"t{number}" for number in range(len(windows))]),
        np.array([f"u{number % 300}" for number in range(len(windows))]),
        0,
        0,
    )


Exams = Mapping[str, Exam]


@pytest.fixture(scope="module")
def exams(history: History, frauds: NDArray[np.bool_]) -> Exams:
    """The payments with labels, and without."""
    labels = {f"t{number}": bool(each) for number, each in enumerate(frauds)}
    every = np.ones(len(frauds), np.bool_)
    return {
        "labelled": Exam.of(history, labels, every, seed=1),
        "unlabelled": Exam.of(history, {}, every, seed=1),
    }


class Blind:
    """A detector that says what it likes."""

    name = "blind"

    def score(self, windows: Windows) -> Floats:
        return np.asarray(np.sin(1e3 * windows.last[:, 0]), np.float32)

    def explain(self, windows: Windows) -> Floats:
        return np.zeros_like(windows.last)


def blind() -> Ensemble:
    return Ensemble.calibrate([Blind()], drawn_windows(500, 20), drawn_windows(500, 21))


@pytest.mark.parametrize("kind", ["labelled", "unlabelled"])
def test_a_bundle_is_no_worse_than_itself(bundle: Bundle, exams: Exams, frauds: NDArray[np.bool_], kind: str) -> None:
    found = compare(bundle, bundle.ensemble, exams[kind], 10_000.0)
    assert found.objections == ()
    assert found.frauds == (frauds.sum() if kind == "labelled" else 0)
    assert found.learnt_by_old == KNOWN
    assert ("average_precision" in found.figures) == (kind == "labelled")
    for name, each in found.figures.items():
        assert each.old == each.new
        assert each.change == (Interval(1, 1, 1) if name == "alerts_a_day" else Interval(0, 0, 0))


def test_a_blind_bundle_is_objected_to_with_figures(bundle: Bundle, exams: Exams) -> None:
    by_frauds = compare(bundle, blind(), exams["labelled"], 10_000.0).objections
    assert [text.split(" falls")[0] for text in by_frauds] == [
        "average precision",
        "recall, 0.5 % looked at",
        "AUC against corruptions",
    ]
    assert all(text.count(" to ") >= 4 for text in by_frauds), "both figures and the change have intervals"
    by_corruptions = compare(bundle, blind(), exams["unlabelled"], 10_000.0).objections
    assert [text.split(" falls")[0] for text in by_corruptions] == ["AUC against corruptions"]


def test_the_other_way_round_nothing_is_objected(bundle: Bundle, exams: Exams) -> None:
    poor = Bundle(bundle.manifest, blind(), "0" * 64)
    found = compare(poor, bundle.ensemble, exams["labelled"], 10_000.0, name=rival_of(bundle))
    assert not [text for text in found.objections if "falls" in text]
    assert found.figures["average_precision"].change.low > 0
    assert found.new is not None
    assert found.new.sha256 == bundle.sha256


def test_a_flood_of_alerts_is_objected_to(bundle: Bundle, exams: Exams) -> None:
    curve = bundle.ensemble.fusion
    loud = replace(bundle.ensemble, fusion=TailCurve(curve.scores, curve.tails * 2, curve.scale / 2))
    found = compare(bundle, loud, exams["labelled"], 10_000.0)
    assert len(found.objections) == 1
    assert found.objections[0].startswith("alerts a day at the same threshold rise from")
    assert found.figures["alerts_a_day"].change.low > 1.25


def test_from_no_alerts_to_some_is_a_finite_change(bundle: Bundle, exams: Exams) -> None:
    curve = bundle.ensemble.fusion
    silent = replace(bundle.ensemble, fusion=TailCurve(curve.scores, curve.tails * 1e-3, np.inf))
    mute = Bundle(bundle.manifest, silent, "0" * 64)
    exam = exams["unlabelled"]
    found = compare(mute, bundle.ensemble, exam, 10_000.0).figures["alerts_a_day"]
    assert found.old.value == 0
    assert found.change.value == pytest.approx(found.new.value * exam.days / 0.5)


def test_without_payments_nothing_is_compared(history: History) -> None:
    with pytest.raises(ArchiveError, match="later ones"):
        Exam.of(history, {}, np.zeros(len(history.timestamp), np.bool_), seed=1)


@pytest.mark.parametrize(
    ("name", "change", "is_told"),
    [
        ("average_precision", (-0.1, -0.2, -0.01), True),
        ("average_precision", (-0.1, -0.2, 0.01), False),
        ("corruption_auc", (-0.008, -0.009, -0.007), False),
        ("corruption_auc", (-0.02, -0.03, -0.011), True),
        ("alerts_a_day", (1.5, 1.2, 1.8), False),
        ("alerts_a_day", (1.5, 1.3, 1.8), True),
        ("alerts_a_day", (0.1, 0.05, 0.2), False),
        ("auc", (-0.5, -0.6, -0.4), False),
    ],
)
def test_only_what_is_surely_worse_is_objected_to(
    name: str, change: tuple[float, float, float], *, is_told: bool
) -> None:
    figure = Interval(0.5, 0.4, 0.6)
    assert bool(list(objections({name: Difference(figure, figure, Interval(*change))}))) == is_told
