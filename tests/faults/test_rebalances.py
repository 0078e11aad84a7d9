"""Partitions that come and go under load."""

import signal
import time

from tests.faults.trial import Trial, payments

SLOW = {"worker.max_poll_records": "5"}
"""Keeps workers busy for some seconds."""


def test_a_second_worker_joins_and_leaves_again_and_again(trial: Trial) -> None:
    trial.feed(payments(4_500))
    constant = trial.start("constant", changes=SLOW)
    trial.wait("some is committed", lambda: trial.committed() > 0)
    for end in (signal.SIGTERM, signal.SIGKILL):
        guest = trial.start("guest", changes=SLOW)
        trial.wait("the guest has partitions", guest.ready)
        time.sleep(0.5)
        assert guest.stop(end) == (0 if end == signal.SIGTERM else -end), trial.tell()
    assert trial.committed() < trial.produced, "the guest came and went after the last record"
    trial.finish(constant)
    trial.check()


def test_static_members_restart_without_a_rebalance(trial: Trial) -> None:
    trial.feed(payments(3_000))
    names = ("one", "two")
    changes = {name: {**SLOW, "kafka.group_instance_id": name, "kafka.session_timeout_s": "20"} for name in names}
    pair = {name: trial.start(name, changes=changes[name]) for name in names}
    trial.wait("both have partitions", lambda: all(each.ready() for each in pair.values()))
    before = pair["two"].metrics()
    assert pair["one"].stop(signal.SIGKILL) == -signal.SIGKILL
    pair["one"] = trial.start("one", changes=changes["one"])
    trial.wait("the restarted one has its partitions back", pair["one"].ready)
    assert pair["two"].metrics().count("rebalances") == before.count("rebalances")
    trial.wait("everything is committed", trial.done)
    assert [each.stop() for each in pair.values()] == [0, 0], trial.tell()
    trial.check()
