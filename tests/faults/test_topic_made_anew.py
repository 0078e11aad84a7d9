"""The input topic is deleted and made anew while a worker lives that read from the old one."""

import signal
import time
from collections import Counter

from streamer.transport.kafka_admin import create_topics
from tests.faults.test_topics_change import joined
from tests.faults.trial import Trial, payments


def test_under_a_worker_that_sleeps(trial: Trial) -> None:
    """When it wakes, its positions mean nothing; it judges the new log from its first record, once."""
    trial.feed(payments(1_200))
    running = trial.start("worker", changes={"kafka.session_timeout_s": "30"})
    trial.wait("all is committed", trial.done)
    old = trial.expected()
    running.process.send_signal(signal.SIGSTOP)
    time.sleep(0.5)  # no fetch of before is answered any more
    trial.admin.delete_topics([trial.topics.transactions])
    trial.wait("the topic is gone", lambda: trial.topics.transactions not in trial.admin.list_topics())
    create_topics(trial.settings.kafka, {trial.topics.transactions: 3})
    trial.produced = 0
    # More than the old log held, so that every old position exists in the new one.
    trial.feed(payments(3_000)[1_200:])
    running.process.send_signal(signal.SIGCONT)
    trial.finish(running)
    assert "was deleted and made anew" in str(trial.said("starting anew")[0]["cause"])
    # Old and new records share their offsets, so order and doubles are looked for in the contents.
    wanted, written = joined(old, trial.expected()), trial.written()
    for kind in ("scores", "alerts", "dead_letters"):
        assert Counter(getattr(written, kind)) == Counter(getattr(wanted, kind)), kind
