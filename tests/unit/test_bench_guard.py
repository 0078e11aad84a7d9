"""When a change is refused for its speed: only when a ratio collapses."""

import json

import pytest

from tests.bench.backlog import BARE
from tests.bench.guard import COLLAPSE, GUARDED, STORED, collapsed, ratios
from tests.bench.timing import EVENTS_PER_S, US_PER_EVENT, Measurement

STAGES_GUARDED = ("decode", "state", "score")


def results(slowness: float) -> list[Measurement]:
    """Three rounds, the second on a machine half as fast."""
    rates = [
        Measurement("backlog", what, EVENTS_PER_S, tuple(rate / slowness for rate in (50_000.0, 25_000.0, 50_000.0)))
        for what in GUARDED
        if what not in STAGES_GUARDED
    ]
    times = [Measurement("turn", what, US_PER_EVENT, (5.0 * slowness, 10.0 * slowness, 5.0)) for what in STAGES_GUARDED]
    return [Measurement("backlog", BARE, EVENTS_PER_S, (100_000.0, 50_000.0, 100_000.0)), *rates, *times]


def test_a_slow_machine_is_no_slow_worker() -> None:
    found = ratios(results(slowness=1.0))
    assert found == pytest.approx({what: 2.0 if what in STAGES_GUARDED else 0.5 for what in GUARDED})


def test_only_a_collapse_is_told() -> None:
    stored = ratios(results(slowness=1.0))
    assert collapsed(ratios(results(slowness=1.6)), stored) == []
    faults = collapsed(ratios(results(slowness=1.8)), stored)
    assert [fault.partition(":")[0] for fault in faults] == list(GUARDED)


def test_faster_is_no_fault() -> None:
    stored = ratios(results(slowness=1.0))
    assert collapsed(ratios(results(slowness=0.3)), stored) == []


def test_figures_that_are_not_stored_are_asked_for() -> None:
    with pytest.raises(ValueError, match="--store"):
        collapsed({"decode": 1.0}, {"encode": 1.0})


def test_what_is_stored_is_what_is_guarded() -> None:
    stored = json.loads(STORED.read_text(encoding="utf-8"))["ratios"]
    assert list(stored) == list(GUARDED)
    assert all(value > 0 for value in stored.values())
    assert 0 < COLLAPSE < 1
