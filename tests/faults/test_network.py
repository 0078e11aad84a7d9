"""Bad weather between worker and broker."""

import time

import pytest

from tests.faults.trial import Trial, payments
from tests.helpers.listeners import TwoDoors
from tests.helpers.proxy import FAIR, Weather

SLOW = {"worker.max_poll_records": "5"}
LASTS_S = 2.0

STORMS = {
    "delayed": Weather(delay_s=0.1),
    "throttled": Weather(bytes_per_s=50_000),
    "half open": Weather(swallows=True),
    "refused": Weather(refuses=True),
}


@pytest.mark.parametrize("storm", STORMS)
def test_a_storm_passes(storm: str, shaky: TwoDoors, shaky_trial: Trial) -> None:
    trial, proxy = shaky_trial, shaky.proxy
    trial.feed(payments(1_500))
    running = trial.start("worker", changes=SLOW)
    trial.wait("some is committed", lambda: trial.committed() > 0)
    proxy.weather = STORMS[storm]
    if proxy.weather.refuses:
        proxy.cut()
    time.sleep(LASTS_S)
    assert trial.committed() < trial.produced, "the storm came after the last record"
    proxy.weather = FAIR
    if STORMS[storm].swallows:
        proxy.cut()  # what was swallowed never comes
    trial.finish(running)
    trial.check()


def test_connections_are_cut_again_and_again(shaky: TwoDoors, shaky_trial: Trial) -> None:
    trial = shaky_trial
    trial.feed(payments(3_000))
    running = trial.start("worker", changes=SLOW)
    trial.wait("some is committed", lambda: trial.committed() > 0)
    cuts = 0
    while trial.committed() < 2_500:
        cuts += shaky.proxy.cut() > 0
        time.sleep(0.7)
    assert cuts > 1
    trial.finish(running)
    trial.check()
