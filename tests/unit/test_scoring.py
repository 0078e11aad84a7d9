"""Judging in spite of detectors that fail."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from detectors.api import Floats, Windows
from detectors.bundle import load_bundle
from detectors.ensemble import Ensemble, Judgement
from detectors.threads import use_one_thread
from streamer.cli.exits import Exit, code_of
from streamer.errors import ScoringError
from streamer.scoring import SIMPLEST, Judge, Judged, OnFailure
from streamer.state.features import TABLE
from streamer.witness import blank_window, contributions_of
from tests.conftest import SMALL_WORLD
from tests.helpers.faulty import Fault, Faulty, faulty, giving, identities, raising
from tests.helpers.windows import read_only, simulated_windows

POISON = [3, 4, 299]
COUNT = 300


@pytest.fixture(scope="module")
def ensemble(bundle: Path) -> Ensemble:
    use_one_thread()
    return load_bundle(bundle, TABLE).ensemble


@pytest.fixture(scope="module")
def windows() -> Windows:
    simulated, _ = simulated_windows(SMALL_WORLD, 30)
    return read_only(simulated.rows(slice(len(simulated) - COUNT, None)))


def judge(ensemble: Ensemble, on_failure: OnFailure = "fail_closed") -> Judge:
    return Judge(ensemble, on_failure=on_failure)


def bits(judgement: Judgement, rows: list[int]) -> list[bytes]:
    return [each[rows].tobytes() for each in (judgement.raw, judgement.tails, judgement.risk)]


def with_poison(ensemble: Ensemble, windows: Windows, name: str = "vae") -> tuple[Ensemble, Faulty]:
    changed, detector = faulty(ensemble, name)
    detector.poison = {identities(windows)[row] for row in POISON}
    return changed, detector


def broken(ensemble: Ensemble, *names: str) -> Ensemble:
    for name in names:
        ensemble, detector = faulty(ensemble, name)
        detector.is_broken = True
    return ensemble


def test_detectors_that_work_are_judged_by_as_ever(ensemble: Ensemble, windows: Windows) -> None:
    judged = judge(ensemble).judge(windows)
    every = list(range(COUNT))
    assert bits(judged.judgement, every) == bits(ensemble.judge(windows), every)
    assert judged.has_score.all()
    assert (judged.poisonous, judged.degraded) == ({}, False)
    assert [ensemble.names[place] for place in judged.heard] == list(ensemble.names)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (raising(RuntimeError("boom")), "RuntimeError: boom"),
        (raising(KeyError()), "KeyError"),
        (giving(np.nan), "ValueError: a score that is NaN or infinite"),
        (giving(-np.inf), "ValueError: a score that is NaN or infinite"),
    ],
    ids=["raises", "raises without a word", "NaN", "infinity"],
)
def test_only_poisonous_rows_lose_their_score(ensemble: Ensemble, windows: Windows, fault: Fault, told: str) -> None:
    changed, detector = with_poison(ensemble, windows)
    detector.fault = fault
    judged = judge(changed).judge(windows)
    assert judged.poisonous == dict.fromkeys(POISON, f"detector 'vae' fails on this payment ({told})")
    assert np.flatnonzero(~judged.has_score).tolist() == POISON
    others = np.flatnonzero(judged.has_score).tolist()
    assert bits(judged.judgement, others) == bits(ensemble.judge(windows), others)
    assert not judged.judgement.risk[POISON].any()
    assert not judged.judgement.tails[POISON].any()
    assert not judged.degraded


def test_a_row_that_two_detectors_fail_on_is_told_once(ensemble: Ensemble, windows: Windows) -> None:
    changed, _ = with_poison(ensemble, windows, "gan")
    changed, other = with_poison(changed, windows, SIMPLEST)
    other.poison = {identities(windows)[4], identities(windows)[0]}
    judged = judge(changed).judge(windows)
    assert list(judged.poisonous) == [0, 3, 4, 299]


def test_a_share_keeps_its_own_poisonous_rows(ensemble: Ensemble, windows: Windows) -> None:
    changed, _ = with_poison(ensemble, windows)
    judged = judge(changed).judge(windows)
    share = judged.rows(4, 10)
    assert list(share.poisonous) == [0]
    assert share.has_score.tolist() == [False, True, True, True, True, True]
    assert share.judgement.risk.tobytes() == judged.judgement.risk[4:10].tobytes()


def test_a_few_poisonous_rows_cost_a_few_calls(ensemble: Ensemble, windows: Windows) -> None:
    changed, detector = with_poison(ensemble, windows)
    judge(changed).judge(windows)
    assert len(detector.batches) <= 2 + len(POISON) * 2 * np.log2(2 * COUNT)


def test_a_detector_that_fails_on_large_batches_alone_loses_nothing(ensemble: Ensemble, windows: Windows) -> None:
    changed, detector = faulty(ensemble, "vae")
    detector.fails_from = 100
    judged = judge(changed).judge(windows)
    every = list(range(COUNT))
    assert judged.has_score.all()
    assert bits(judged.judgement, every) == bits(ensemble.judge(windows), every)


@pytest.mark.parametrize("error", [MemoryError(), KeyboardInterrupt()])
def test_some_errors_are_no_fault_of_a_detector(ensemble: Ensemble, windows: Windows, error: BaseException) -> None:
    changed, detector = with_poison(ensemble, windows)
    detector.fault = raising(error)
    with pytest.raises(type(error)):
        judge(changed, "fail_open").judge(windows)


@dataclass
class Short(Faulty):
    """A detector that forgets the last window."""

    def score(self, windows: Windows) -> Floats:
        return self.inner.score(windows)[:-1]


def test_a_detector_that_gives_too_few_scores_is_broken(ensemble: Ensemble, windows: Windows) -> None:
    changed = replace(ensemble, detectors=(Short(ensemble.detectors[0]), *ensemble.detectors[1:]))
    with pytest.raises(ScoringError, match=r"scores of shape \(0,\) for 1 windows"):
        judge(changed).judge(windows)


def test_no_windows_ask_no_detector(ensemble: Ensemble, windows: Windows) -> None:
    nothing = judge(broken(ensemble, "vae")).judge(windows.rows(slice(0, 0)))
    assert nothing.judgement.tails.shape == (0, len(ensemble.names))
    assert not nothing.degraded


def test_closed_a_broken_detector_ends_it_with_cause_and_remedy(ensemble: Ensemble, windows: Windows) -> None:
    with pytest.raises(
        ScoringError, match=r"detector 'vae' cannot judge .*RuntimeError: boom.*worker\.bundle"
    ) as raised:
        judge(broken(ensemble, "vae")).judge(windows)
    assert code_of(raised.value) == Exit.SCORING


def open_judged(ensemble: Ensemble, windows: Windows) -> Judged:
    return judge(ensemble, "fail_open").judge(windows)


def test_open_the_simplest_detector_goes_on_alone(ensemble: Ensemble, windows: Windows) -> None:
    judged = open_judged(broken(ensemble, "vae"), windows)
    place = ensemble.names.index(SIMPLEST)
    healthy = ensemble.judge(windows)
    assert judged.degraded
    assert judged.has_score.all()
    assert judged.heard == (place,)
    assert judged.judgement.risk.tobytes() == healthy.tails[:, place].tobytes()
    assert judged.judgement.tails[:, place].tobytes() == healthy.tails[:, place].tobytes()
    assert np.count_nonzero(judged.judgement.tails.any(axis=0)) == 1


def test_open_the_simplest_detector_keeps_to_the_budget(ensemble: Ensemble) -> None:
    simulated, fraud = simulated_windows(SMALL_WORLD, 40)
    unseen = simulated.rows(np.flatnonzero(~fraud & (np.arange(len(fraud)) > len(fraud) // 2)))
    one_in_a_hundred = -np.log(0.01)
    degraded = open_judged(broken(ensemble, "vae"), unseen).judgement.risk
    assert 0.002 < float((degraded >= one_in_a_hundred).mean()) < 0.03


def test_open_a_payment_poisonous_to_the_simplest_has_no_score(ensemble: Ensemble, windows: Windows) -> None:
    changed, _ = with_poison(broken(ensemble, "gan"), windows, SIMPLEST)
    judged = open_judged(changed, windows)
    assert judged.degraded
    assert list(judged.poisonous) == POISON


@pytest.fixture(params=["the simplest is broken as well", "the simplest is missing", "it is the only one"])
def helpless(request: pytest.FixtureRequest, ensemble: Ensemble) -> Ensemble:
    def only(*names: str) -> Ensemble:
        places = [ensemble.names.index(name) for name in names]
        return Ensemble(
            tuple(ensemble.detectors[place] for place in places),
            tuple(ensemble.curves[place] for place in places),
            ensemble.weights[places],
            ensemble.fusion,
        )

    return {
        "the simplest is broken as well": broken(ensemble, "vae", SIMPLEST),
        "the simplest is missing": broken(only("vae", "gan"), "gan"),
        "it is the only one": broken(only(SIMPLEST), SIMPLEST),
    }[request.param]


def test_open_without_any_detector_nothing_is_judged_and_nobody_blamed(helpless: Ensemble, windows: Windows) -> None:
    judged = open_judged(helpless, windows)
    assert judged.degraded
    assert not judged.has_score.any()
    assert judged.poisonous == {}
    assert judged.heard == ()
    assert not judged.judgement.risk.any()


def test_a_detector_that_comes_back_is_heard_again_and_each_change_is_told_once(
    ensemble: Ensemble, windows: Windows
) -> None:
    changed, detector = faulty(ensemble, "vae")
    judging = judge(changed, "fail_open")
    seen = []
    with capture_logs() as logs:
        for is_broken in (False, True, True, False, False):
            detector.is_broken = is_broken
            seen.append(judging.judge(windows))
            assert judging.judge(windows.rows(slice(0, 0))).degraded == is_broken
    assert [each.degraded for each in seen] == [False, True, True, False, False]
    assert seen[0].judgement.risk.tobytes() == seen[3].judgement.risk.tobytes() == seen[4].judgement.risk.tobytes()
    assert "raise error\nRuntimeError: boom" in logs[0]["traceback"]
    assert [(each["log_level"], each.get("cause")) for each in logs] == [
        ("error", "RuntimeError: boom"),
        ("info", None),
    ]


def test_a_blank_window_is_judged_by_real_detectors(ensemble: Ensemble) -> None:
    assert judge(ensemble).judge(blank_window()).has_score.all()


def test_an_alert_that_cannot_be_explained_leaves_the_others_their_reasons(
    ensemble: Ensemble, windows: Windows
) -> None:
    changed, detector = faulty(ensemble, "gan")
    detector.explains_badly = {identities(windows)[1]}
    few = windows.rows(slice(0, 3))
    with capture_logs() as logs:
        found = judge(changed).explain(few, ensemble.judge(few), degraded=False)
    expected = ensemble.explain(few)
    assert found[1] is None
    assert [None if each is None else each.tobytes() for each in found] == [
        expected[0].tobytes(),
        None,
        expected[2].tobytes(),
    ]
    assert [each["cause"] for each in logs] == ["RuntimeError: cannot say why"]


@pytest.mark.parametrize("answer", [np.full((1, len(TABLE.features)), np.nan), np.zeros((1, 2))], ids=["NaN", "shape"])
def test_an_explanation_must_be_one_number_for_each_feature(answer: Floats) -> None:
    (found,) = contributions_of(lambda _: answer, range(1))
    assert found == "ValueError: an explanation that is not finite, or of another shape"


def test_degraded_alerts_are_explained_by_the_simplest_alone(ensemble: Ensemble, windows: Windows) -> None:
    changed, detector = faulty(ensemble, "gan")
    few = windows.rows(slice(0, 3))
    detector.explains_badly = set(identities(few))
    simplest = ensemble.detectors[ensemble.names.index(SIMPLEST)]
    found = judge(changed, "fail_open").explain(few, ensemble.judge(few), degraded=True)
    assert np.stack([each for each in found if each is not None]).tobytes() == simplest.explain(few).tobytes()
