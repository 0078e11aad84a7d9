"""The input topic is deleted and made anew while no worker runs; snapshots of the one before are still there."""

from collections import Counter
from collections.abc import Mapping, Sequence

from streamer.transport.kafka_admin import create_topics
from tests.faults.test_topics_change import joined
from tests.faults.trial import Trial, payments
from tests.helpers.oracle import Outcome
from tests.helpers.worker import PATIENCE_S


def make_anew(trial: Trial, pairs: Sequence[tuple[bytes, bytes]]) -> None:
    """Put a topic with other records in place of the input."""
    topic = trial.topics.transactions
    trial.admin.delete_topics([topic])
    trial.wait("the topic is gone", lambda: topic not in trial.admin.list_topics())
    trial.wait("its offsets are gone", lambda: not trial.offsets())
    create_topics(trial.settings.kafka, {topic: 3})
    trial.produced = 0
    trial.feed(pairs)


def refused(trial: Trial, held: Mapping[int, int]) -> list[int]:
    """Return the partitions whose snapshot at an offset was told to be of the topic before."""
    causes = [str(line["cause"]) for line in trial.said("snapshot cannot be used")]
    said = [cause for cause in causes if "was deleted and made anew since" in cause]
    return sorted(
        number for number, offset in held.items() if any(f"/{number}/{offset:020d}." in cause for cause in said)
    )


def check_both(trial: Trial, old: Outcome) -> None:
    """Check that both logs were judged, once each; their records share their offsets, but no content."""
    new = trial.expected()
    assert new.alerts
    wanted, written = joined(old, new), trial.written()
    for kind in ("scores", "alerts", "dead_letters"):
        assert Counter(getattr(written, kind)) == Counter(getattr(wanted, kind)), f"{kind}\n{trial.tell()}"


def test_the_new_log_grows_past_them_and_a_worker_dies_without_its_own(trial: Trial) -> None:
    """They lie before what is committed, as good ones would."""
    trial.feed(payments(900))
    trial.finish(trial.start("worker"))
    old, held = trial.expected(), trial.offsets()
    make_anew(trial, payments(2_400)[900:])
    running = trial.start("worker", changes={"snapshots.interval_s": "3600"})
    trial.wait("the new log is judged", trial.done)
    running.process.kill()
    running.process.wait(PATIENCE_S)
    assert all(offset > held[number] for number, offset in trial.offsets().items())

    trial.feed(payments(2_900)[2_400:])
    trial.finish(trial.start("worker"))
    check_both(trial, old)
    assert refused(trial, held) == [0, 1, 2]


def test_the_new_log_ends_where_they_are(trial: Trial) -> None:
    """They are replaced, so that the next worker finds the state of the new log."""
    trial.feed(payments(900))
    trial.finish(trial.start("worker"))
    old, held = trial.expected(), trial.offsets()
    make_anew(trial, payments(900)[::-1])
    trial.finish(trial.start("worker"))
    assert trial.offsets() == held

    trial.feed(payments(1_400)[900:])
    trial.finish(trial.start("worker"))
    check_both(trial, old)
    assert refused(trial, held) == []
    assert {line["how"] for line in trial.said("partition goes on")[-3:]} == {"snapshot"}
