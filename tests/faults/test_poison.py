"""Records that no detector can judge, detectors that hang, and input that is rubbish as a whole."""

import json
import urllib.error
import urllib.request
from collections import Counter

from streamer.cli.exits import Exit
from tests.faults.saboteur import Trap
from tests.faults.surroundings import Poison
from tests.faults.trial import Trial, payments
from tests.helpers.oracle import Outcome, assert_same
from tests.helpers.worker import RunningWorker


def amounts_without_alert(trial: Trial, wanted: Outcome, count: int) -> tuple[dict[tuple[int, int], float], set[float]]:
    """Choose payments whose amount no other one has and that raised no alert: places and amounts."""
    judged = {(each.source.partition, each.offset) for each in wanted.scores}
    alerted = {(each.source.partition, each.offset) for each in wanted.alerts}
    found = {
        (each.partition, each.offset): float(json.loads(each.value or b"")["amount"])
        for each in trial.records()
        if (each.partition, each.offset) in judged
    }
    times = Counter(found.values())
    single = {place: amount for place, amount in found.items() if times[amount] == 1 and place not in alerted}
    chosen = dict(list(single.items())[:: len(single) // count][:count])
    return chosen, set(chosen.values())


def test_poisonous_payments_are_dead_lettered_alone(trial: Trial) -> None:
    trial.feed(payments(2_000))
    wanted = trial.expected()
    poisonous, amounts = amounts_without_alert(trial, wanted, 5)
    trial.finish(trial.start("worker", Poison(tuple(amounts))))
    found = trial.written()
    letters = [each for each in found.dead_letters if (each.source.partition, each.offset) in poisonous]
    assert len(letters) == len(poisonous) == 5
    assert all("unscorable" in str(each.content) for each in letters)
    rest = Outcome(
        tuple(each for each in wanted.scores if (each.source.partition, each.offset) not in poisonous),
        wanted.alerts,
        wanted.dead_letters,
    )
    others = tuple(each for each in found.dead_letters if each not in letters)
    assert_same(rest, Outcome(found.scores, found.alerts, others))


def alive(running: RunningWorker) -> bool:
    try:
        with urllib.request.urlopen(f"{running.url}/livez", timeout=5) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        error.close()
        return False


def test_a_hanging_detector_fails_liveness_and_a_restart_goes_on(trial: Trial) -> None:
    trial.feed(payments(1_500))
    changes = {"kafka.max_poll_interval_s": "2"}
    hanging = trial.start("worker", Trap("judge", 8, how="hang"), changes=changes)
    trial.wait("some is committed", lambda: trial.committed() > 0)
    trial.wait("it is not alive", lambda: not alive(hanging))
    assert trial.committed() < trial.produced
    hanging.process.kill()
    trial.finish(trial.start("worker", changes=changes))
    trial.check()


def test_rubbish_alone_stops_the_worker_and_better_settings_go_on(trial: Trial) -> None:
    trial.feed(payments(800))
    trial.feed([(b"u%d" % (number % 50), b"rubbish %d" % number) for number in range(400)])
    trial.feed(payments(1_600)[800:])
    running = trial.start("worker", changes={"dead_letters.min_records": "50", "dead_letters.max_share": "0.2"})
    trial.wait("the worker ends", lambda: running.process.poll() is not None)
    assert running.process.poll() == Exit.DATA, trial.tell()
    assert trial.committed() < trial.produced
    trial.finish(trial.start("worker"))
    assert len(trial.check().dead_letters) >= 400
