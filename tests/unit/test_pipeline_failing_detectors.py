"""What becomes of payments and alerts while detectors fail."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from detectors.api import Floats
from detectors.bundle import Bundle, load_bundle
from detectors.ensemble import Ensemble
from detectors.threads import use_one_thread
from streamer.alerts.score import Score, decode_score
from streamer.clock import ManualClock
from streamer.errors import RejectReason, ScoringError
from streamer.events.record import Message, Record, TopicPartition
from streamer.health import Health
from streamer.pipeline import Scored
from streamer.scoring import SIMPLEST
from streamer.settings import Settings
from streamer.state.features import TABLE
from tests.helpers.faulty import faulty, identities, pipeline_of
from tests.helpers.payments import payments

ALERTING: dict[str, object] = {"alerts_per_million": 100_000.0, "suppress_s": 0.0}
SETTINGS = Settings.model_validate({"topics": {"scores": "scores"}, "alerts": ALERTING})
OPEN = Settings.model_validate(
    {"topics": {"scores": "scores"}, "alerts": ALERTING, "worker": {"on_scoring_failure": "fail_open"}}
)
COUNT = 200


@pytest.fixture(scope="module")
def loaded(bundle: Path) -> Bundle:
    use_one_thread()
    return load_bundle(bundle, TABLE)


def judged(bundle: Bundle, ensemble: Ensemble, settings: Settings = SETTINGS) -> tuple[Scored, ...]:
    return pipeline_of(bundle, ensemble, settings).process(payments(COUNT), now_ms=1_800_000_000_000)


@pytest.fixture(scope="module")
def healthy(loaded: Bundle) -> tuple[Scored, ...]:
    return judged(loaded, loaded.ensemble)


def scores_in(parts: Sequence[Scored]) -> dict[tuple[int, int], Score]:
    found = [decode_score(m.value or b"") for part in parts for m in part.messages if m.topic == "scores"]
    return {(each.partition, each.offset): each for each in found}


def letters_in(parts: Sequence[Scored]) -> list[Message]:
    return [m for part in parts for m in part.messages if m.topic == "dead-letters"]


def test_a_poisonous_payment_goes_to_the_dead_letters_and_the_others_are_judged_alike(
    loaded: Bundle, healthy: tuple[Scored, ...]
) -> None:
    ensemble, detector = faulty(loaded.ensemble, "gan")
    detector.poison = {identities(healthy[1].advance.windows)[7]}
    parts = judged(loaded, ensemble)
    (letter,) = letters_in(parts)
    record = healthy[1].advance.batch.records[7]
    headers = dict(letter.headers)
    assert (letter.key, letter.value) == (record.key, record.value)
    assert (headers["x-reason"], headers["x-field"]) == (b"unscorable", b"")
    assert (headers["x-origin-partition"], headers["x-origin-offset"]) == (b"1", str(record.offset).encode())
    assert headers["x-detail"].startswith(b"unscorable: detector 'gan' fails on this payment (RuntimeError: boom); ")
    whole = scores_in(healthy)
    del whole[1, record.offset]
    assert scores_in(parts) == whole
    assert np.flatnonzero(~parts[1].has_score).tolist() == [7]
    assert [len(part.advance.batch) for part in parts] == [len(part.advance.batch) for part in healthy]


def test_dead_letters_of_both_kinds_stand_in_the_order_of_the_log(loaded: Bundle, healthy: tuple[Scored, ...]) -> None:
    ensemble, detector = faulty(loaded.ensemble, "vae")
    detector.poison = {identities(healthy[0].advance.windows)[row] for row in (2, 5)}
    records = list(payments(COUNT)[:8])
    records[4:4] = [Record("transactions", 0, 35, None, b"no payment")]
    (part,) = pipeline_of(loaded, ensemble, SETTINGS).process(records, now_ms=0)
    assert [(each.record.offset, each.error.reason) for each in part.rejected] == [
        (20, RejectReason.UNSCORABLE),
        (35, RejectReason.BAD_JSON),
        (50, RejectReason.UNSCORABLE),
    ]
    offsets = [dict(letter.headers)["x-origin-offset"] for letter in letters_in([part])]
    assert offsets == [b"20", b"35", b"50"]


def test_closed_a_broken_detector_ends_the_run(loaded: Bundle) -> None:
    ensemble, detector = faulty(loaded.ensemble, "vae")
    detector.is_broken = True
    with pytest.raises(ScoringError):
        judged(loaded, ensemble)


def test_open_alerts_come_from_the_simplest_detector_and_say_so(loaded: Bundle, healthy: tuple[Scored, ...]) -> None:
    ensemble, detector = faulty(loaded.ensemble, "vae")
    detector.is_broken = True
    parts = judged(loaded, ensemble, OPEN)
    alerts = [alert for part in parts for alert in part.alerts]
    assert alerts
    for alert in alerts:
        assert alert.flags.degraded
        assert [each.name for each in alert.evidence.detectors] == [SIMPLEST]
        assert alert.evidence.reasons
    place = loaded.ensemble.names.index(SIMPLEST)
    for part, whole in zip(parts, healthy, strict=True):
        assert part.degraded
        assert part.rejected == ()
        assert part.judgement.risk.tobytes() == whole.judgement.tails[:, place].tobytes()
    scores = scores_in(parts)
    assert len(scores) == COUNT
    assert all(each.degraded and each.tails == {SIMPLEST: each.risk} for each in scores.values())


def test_open_without_any_detector_the_state_goes_on_and_nothing_is_published(
    loaded: Bundle, healthy: tuple[Scored, ...]
) -> None:
    ensemble, detector = faulty(loaded.ensemble, "vae")
    ensemble, simplest = faulty(ensemble, SIMPLEST)
    detector.is_broken = simplest.is_broken = True
    parts = judged(loaded, ensemble, OPEN)
    for part, whole in zip(parts, healthy, strict=True):
        assert part.messages == ()
        assert not part.has_score.any()
        assert part.next_offset == whole.next_offset
        assert part.advance.windows.steps.tobytes() == whole.advance.windows.steps.tobytes()


def test_an_alert_that_nobody_can_explain_goes_out_without_reasons(loaded: Bundle, healthy: tuple[Scored, ...]) -> None:
    ensemble, detector = faulty(loaded.ensemble, "gan")
    part = next(part for part in healthy if len(part.alerts) > 1)
    offset = part.alerts[0].origin.offset
    row = next(row for row, record in enumerate(part.advance.batch.records) if record.offset == offset)
    detector.explains_badly = {identities(part.advance.windows)[row]}
    (found,) = [each for each in judged(loaded, ensemble) if each.source == part.source]
    assert (found.alerts[0].flags.degraded, found.alerts[0].evidence.reasons) == (True, ())
    assert found.alerts[0].decision == part.alerts[0].decision
    assert found.alerts[1:] == part.alerts[1:]
    assert not found.degraded


def test_what_was_published_before_is_published_no_more(loaded: Bundle, healthy: tuple[Scored, ...]) -> None:
    ensemble, detector = faulty(loaded.ensemble, "gan")
    detector.poison = {identities(healthy[0].advance.windows)[2]}
    pipeline = pipeline_of(loaded, ensemble, SETTINGS)
    pipeline.partition(TopicPartition("transactions", 0)).published_to = 31
    silent, loud = pipeline.process(payments(COUNT)[:8], now_ms=0)
    assert (silent.silent, silent.messages, silent.alerts) == (True, (), ())
    assert sorted(scores_in([loud])) == [(0, offset) for offset in (40, 50, 60, 70)]


def test_no_scores_are_published_unless_a_topic_is_set(loaded: Bundle) -> None:
    parts = judged(loaded, loaded.ensemble, Settings())
    assert {message.topic for part in parts for message in part.messages} <= {"alerts"}


def test_a_detector_that_hangs_ends_the_life_of_the_process(loaded: Bundle) -> None:
    clock = ManualClock()
    health = Health(clock, silence_s=300, stall_after_s=60)
    faults: list[list[str]] = []

    def hang(scores: Floats) -> Floats:
        clock.advance(301)
        faults.append(health.faults_of_life())
        return scores

    ensemble, detector = faulty(loaded.ensemble, "vae")
    detector.fails_from = COUNT
    detector.fault = hang
    health.beat()
    judged(loaded, ensemble)
    assert faults == [["the loop has not turned for 301 s"]]
