"""A broker that goes away under load, and output topics that do."""

import time

import pytest

from streamer.settings import KafkaSettings
from streamer.transport.kafka_admin import create_topics
from tests.faults.trial import Trial, payments
from tests.helpers.listeners import TwoDoors
from tests.helpers.oracle import differences

SLOW = {"worker.max_poll_records": "5"}
DOWN_S = 1.5


@pytest.mark.parametrize("end", ["crash", "orderly stop"])
def test_the_broker_is_away_for_a_while(end: str, shaky: TwoDoors, shaky_trial: Trial) -> None:
    trial = shaky_trial
    trial.feed(payments(3_000))
    pair = [trial.start(name, changes=SLOW) for name in ("one", "two")]
    trial.wait("both have partitions", lambda: all(each.ready() for each in pair))
    if end == "crash":
        shaky.broker.kill()
    else:
        shaky.broker.stop()
    time.sleep(DOWN_S)
    assert [each.process.poll() for each in pair] == [None, None], trial.tell()
    shaky.broker.start()
    assert trial.committed() < trial.produced, "the broker went away after the last record"
    trial.wait("everything is committed", trial.done)
    assert [each.stop() for each in pair] == [0, 0], trial.tell()
    trial.check()


def test_the_topic_of_alerts_is_deleted_and_made_again(trial: Trial) -> None:
    """The worker stays in its group, reads nothing more, loses nothing that was not in the topic."""
    trial.feed(payments(4_000))
    running = trial.start("worker", changes=SLOW)
    trial.wait("some is committed, alerts among it", lambda: trial.committed() > 500)
    trial.admin.delete_topics([trial.topics.alerts])
    trial.wait("the worker holds", lambda: bool(trial.said("outputs are not taken")))
    trial.wait("it tells that it is not ready", lambda: not running.ready())
    held = trial.offsets()
    members = trial.members()
    time.sleep(float(trial.flags["kafka.session_timeout_s"]) + 1.0)
    assert trial.members() == members
    assert trial.offsets() == held
    assert trial.committed() < trial.produced
    create_topics(KafkaSettings(bootstrap_servers=trial.topics.bootstrap), {trial.topics.alerts: 1})
    trial.finish(running)
    assert trial.said("outputs are taken again")

    wanted, found = trial.expected(), trial.written()
    assert not differences(wanted.scores, found.scores)
    assert not differences(wanted.dead_letters, found.dead_letters)
    later = [each for each in wanted.alerts if each.offset >= held.get(each.source.partition, 0)]
    assert later
    assert len(later) < len(wanted.alerts)
    assert not differences(later, found.alerts)
