"""A worker that slept while another one took its place writes nothing when it wakes."""

import signal
import time

import psutil
import pytest

from streamer.cli.exits import Exit
from tests.faults.saboteur import Doze, Trap
from tests.faults.trial import Trial, payments
from tests.helpers.worker import RunningWorker


def stopped(running: RunningWorker) -> bool:
    """Whether the kernel says that the process is stopped."""
    return psutil.Process(running.process.pid).status() == psutil.STATUS_STOPPED


# The tests' broker looks every half second for transactions past their time-out of one second.
TRANSACTIONS_END_WITHIN_S = 3.0

ASLEEP_AT = {
    "with records in hand": Trap("poll", 8, "after", "stop"),
    "with a transaction half written": Trap("send", 150, "after", "stop"),
    "with a transaction ready to commit": Trap("commit", 8, "before", "stop"),
    "with a transaction just committed": Trap("commit", 8, "after", "stop"),
}


@pytest.mark.parametrize("asleep", ASLEEP_AT)
def test_stopped_past_session_and_transaction_and_continued(asleep: str, trial: Trial) -> None:
    trial.feed(payments(1_000))
    zombie = trial.start("zombie", ASLEEP_AT[asleep])
    trial.wait("the worker is stopped", lambda: stopped(zombie))
    assert trial.committed() < trial.produced
    # The session ends after 2 s and the transaction after 3 s; the heir needs both to do everything.
    heir = trial.start("heir")
    trial.wait("the heir has done everything", trial.done)
    zombie.process.send_signal(signal.SIGCONT)
    trial.wait("the zombie is a member again", zombie.ready)
    trial.feed(payments(1_500)[1_000:])
    trial.finish(heir)
    assert zombie.stop() == 0, trial.tell()
    trial.check()


@pytest.mark.parametrize("asleep", ASLEEP_AT)
def test_stopped_past_the_transaction_and_nobody_takes_over(asleep: str, trial: Trial) -> None:
    """The broker ended the transaction by itself; the worker is still the member it was."""
    trial.feed(payments(1_500))
    long_session = {"kafka.session_timeout_s": "45", "kafka.transaction_timeout_s": "1"}
    sleeper = trial.start("sleeper", ASLEEP_AT[asleep], changes=long_session)
    trial.wait("the worker is stopped", lambda: stopped(sleeper))
    assert trial.committed() < trial.produced
    time.sleep(TRANSACTIONS_END_WITHIN_S)
    sleeper.process.send_signal(signal.SIGCONT)
    trial.finish(sleeper)
    trial.check()


def test_busy_past_the_longest_time_between_polls(trial: Trial) -> None:
    """The process lives and its heartbeats go on; only its loop does not come back for too long."""
    short = {"kafka.max_poll_interval_s": "2", "kafka.transaction_timeout_s": "2"}
    trial.feed(payments(1_000))
    dreamer = trial.start("dreamer", Doze("judge", 8, seconds=8.0), changes=short)
    trial.wait("some is committed", lambda: trial.committed() > 0)
    heir = trial.start("heir", changes={"kafka.max_poll_interval_s": "10"})
    trial.wait("everything is committed, by the heir", trial.done)
    trial.wait("the dreamer is a member again", dreamer.ready)
    trial.feed(payments(1_500)[1_000:])
    trial.finish(heir)
    assert dreamer.stop() == 0, trial.tell()
    trial.check()


def test_two_workers_with_one_transactional_id(trial: Trial) -> None:
    """They fence one another, so that one of them ends at last; what they wrote is right at any time."""
    trial.feed(payments(1_000))
    twins = [trial.start("twin", changes={"worker.max_poll_records": "10"}) for _ in range(2)]

    def done() -> bool:
        assert {twin.process.poll() for twin in twins} <= {None, Exit.FENCED}, trial.tell()
        return trial.done()

    trial.wait("everything is committed", done, within_s=120)
    survivors = [twin for twin in twins if twin.process.poll() is None]
    assert [twin.stop() for twin in survivors] == [0] * len(survivors), trial.tell()
    assert trial.said("another process took over")
    trial.check()
