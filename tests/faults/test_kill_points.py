"""A worker that is killed in the midst of its work is followed by one that goes on as if nothing had been."""

from collections.abc import Mapping

import pytest

from tests.faults.saboteur import Trap
from tests.faults.trial import Trial, payments

POINTS = {
    "around the poll": (Trap("poll", 4), Trap("poll", 6, "after")),
    "while records are judged": (Trap("decode", 5, "after"), Trap("state", 4, "after"), Trap("judge", 6, "after")),
    "around alerts": (Trap("alert", 5), Trap("alert", 3, "after")),
    "around the transaction": (Trap("deliver", 4), Trap("begin", 5, "after"), Trap("deliver", 3, "after")),
    "within the transaction": (Trap("send", 70, "after"), Trap("add_offsets", 5), Trap("add_offsets", 4, "after")),
    "at the commit": (Trap("commit", 4), Trap("commit", 6, "after")),
    "during a snapshot": (Trap("save", 2), Trap("save_part", 9, "after"), Trap("save", 3, "after")),
    "during a restore": (Trap("commit", 12), Trap("load_part", 7), Trap("restore", 2, "after")),
}
"""Where workers are killed one after another; each of them has gone on where the one before was killed."""

ONE_NAME: Mapping[str, str | None] = {"kafka.group_instance_id": "the-one"}
"""A restarted worker takes its own place at once, without waiting for its predecessor's session to end."""


def kill(trial: Trial, traps: tuple[Trap, ...], changes: Mapping[str, str | None]) -> None:
    """Run a worker into each of the traps, in the midst of the input."""
    for trap in traps:
        trial.killed(trial.start("worker", trap, changes=changes))


@pytest.mark.parametrize("points", POINTS)
def test_killed_at(points: str, trial: Trial) -> None:
    trial.feed(payments(1_500))
    kill(trial, POINTS[points], ONE_NAME)
    trial.finish(trial.start("worker", changes=ONE_NAME))
    trial.check()


def test_killed_within_transactions_of_librdkafka(trial: Trial) -> None:
    changes = {**ONE_NAME, "kafka.client": "confluent"}
    trial.feed(payments(1_500))
    # Its steps are the beginning of all, then offsets and commit by turns.
    offsets, commit, written = (
        Trap("librdkafka_step", 8),
        Trap("librdkafka_step", 9),
        Trap("librdkafka_step", 11, "after"),
    )
    kill(trial, (Trap("librdkafka_send", 70, "after"), offsets, commit, written), changes)
    trial.finish(trial.start("worker", changes=changes))
    trial.check()


def test_killed_while_reading_silently_what_a_predecessor_published(trial: Trial) -> None:
    trial.feed(payments(1_500))
    # Nothing but its speed parts a worker's commits where there are no snapshots: it must not be done by the second.
    no_snapshots = {**ONE_NAME, "snapshots.url": None, "worker.max_poll_records": "2"}
    kill(trial, (Trap("commit", 3, "after"), Trap("poll", 4, "after"), Trap("judge", 3)), no_snapshots)
    trial.finish(trial.start("worker", changes=no_snapshots))
    trial.check()
    assert {line["how"] for line in trial.said("partition goes on")} == {"empty", "look_back"}


def test_killed_without_any_lasting_name(trial: Trial) -> None:
    """Neither member nor transactions can be told to be the same: sessions and transactions run out instead."""
    trial.feed(payments(1_500))
    trial.killed(trial.start("first", Trap("send", 70, "after")))
    trial.finish(trial.start("second"))
    trial.check()
