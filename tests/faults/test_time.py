"""The machine's clock and zone have no part in what is found."""

import pytest

from tests.faults.surroundings import ClockJump, TimeZone
from tests.faults.trial import Trial, payments

DAY_S = 86_400.0


@pytest.mark.parametrize("by_s", [DAY_S, -DAY_S], ids=["ahead", "back"])
def test_the_clock_jumps(by_s: float, trial: Trial) -> None:
    trial.feed(payments(1_200))
    trial.finish(trial.start("worker", ClockJump(by_s, nth=10)))
    trial.check()


def test_three_zones_take_turns(trial: Trial) -> None:
    for zone in ("Pacific/Kiritimati", "America/St_Johns", "Asia/Kathmandu"):
        trial.feed(payments(2_000)[trial.produced :][:600])
        trial.finish(trial.start("worker", TimeZone(zone)))
    trial.check()
