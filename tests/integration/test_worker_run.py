"""`streamer run` as a process of its own on a real Kafka."""

import signal
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from streamer.events.record import Message
from streamer.scrape import Scrape
from streamer.simulate.event import SimulatedEvent, encode
from streamer.simulate.stream import simulate
from tests.conftest import SMALL_WORLD
from tests.helpers.forked import forked_worker
from tests.helpers.worker import RunningWorker, Topics, alerts_of, eventually, worker


def messages_of(events: Iterable[SimulatedEvent], topic: str) -> list[Message]:
    return [Message(topic, str(e.transaction.user_id).encode(), encode(e.transaction)) for e in events]


def first_days(days: int) -> list[SimulatedEvent]:
    return list(simulate(SMALL_WORLD, range(20, 20 + days)))


def lag(running: RunningWorker) -> float:
    return Scrape.of(running.metrics()).total("streamer_lag_records")


def test_fifty_thousand_events_lead_to_alerts_that_anyone_can_read(kafka: str, bundle: Path, tmp_path: Path) -> None:
    topics = Topics(kafka).create(partitions=2)
    events = first_days(130)[:50_000]
    assert len(events) == 50_000
    topics.produce(messages_of(events, topics.transactions))
    with forked_worker(topics, bundle, tmp_path / "log", "--profile") as running:
        eventually("all events are judged", lambda: topics.committed() == 50_000, within_s=120)
        eventually("the lag is 0", lambda: lag(running) == 0)
        judged = Scrape.of(running.metrics())
        assert judged.total("streamer_events_total") == 50_000
        assert judged.total("streamer_event_latency_seconds_count") == 50_000
        assert running.stop() == 0
    assert "50,000 records taken in" in running.text()
    records = topics.read(topics.alerts)
    alerts = alerts_of(records)
    assert len(alerts) == judged.total("streamer_alerts_total") > 0
    assert len({alert.identity.alert_id for alert in alerts}) == len(alerts)
    frauds = {str(e.transaction.transaction_id) for e in events if e.fraud}
    users = {str(e.transaction.transaction_id): str(e.transaction.user_id) for e in events}
    right = [alert for alert in alerts if alert.transaction.transaction_id in frauds]
    # The share of fraud among all events is about 0.5 %: alerts must know far better than chance.
    assert len(right) > 0.2 * len(alerts)
    for record, alert in zip(records, alerts, strict=True):
        assert record.key == users[alert.transaction.transaction_id].encode()
        assert alert.evidence.reasons
        assert all(reason.text for reason in alert.evidence.reasons)
        assert alert.evidence.recent[0].amount == alert.transaction.amount
        assert alert.decision.risk_score >= alert.decision.threshold
        assert dict(record.headers)["ce_id"] == alert.identity.alert_id.encode()
    assert not topics.read(topics.dead_letters)


GOOD = b'{"transaction_id":"good-%d","user_id":"u1","amount":12.5,"timestamp":17500000%05d}'
BAD = {
    "bad UTF-8": b'{"transaction_id":"\xff\xfe"}',
    "half a document": b'{"transaction_id":"t","user_id":"u"',
    "an array": b"[]",
    "a text": b'"x"',
    "empty": b"",
    "null": b"null",
    "NaN": b'{"transaction_id":"t","user_id":"u","amount":NaN,"timestamp":1750000000000}',
    "too large a number": b'{"transaction_id":"t","user_id":"u","amount":1e400,"timestamp":1750000000000}',
    "a missing field": b'{"transaction_id":"t","amount":1,"timestamp":1750000000000}',
    "0.9 MB": b'{"transaction_id":"' + b"t" * 900_000 + b'"}',
}


def test_malformed_records_are_dead_lettered_once_and_the_stream_goes_on(
    kafka: str, bundle: Path, tmp_path: Path
) -> None:
    topics = Topics(kafka).create(partitions=1)
    sent: list[Message] = []
    for number, value in enumerate(BAD.values()):
        sent += [
            Message(topics.transactions, b"u1", GOOD % (number, number)),
            Message(topics.transactions, b"u1", value, (("trace", b"abc"),)),
        ]
    sent.append(Message(topics.transactions, b"u1", None))
    sent.append(Message(topics.transactions, b"u1", GOOD % (99, 99)))
    topics.produce(sent)
    with forked_worker(topics, bundle, tmp_path / "log") as running:
        eventually("everything is committed", lambda: topics.committed() == len(sent))
        eventually("the lag is 0", lambda: lag(running) == 0)
        metrics = Scrape.of(running.metrics())
        assert running.ready()
        assert running.stop() == 0
    assert metrics.total("streamer_events_total") == len(BAD) + 1
    assert metrics.total("streamer_rejected_total") == len(BAD) + 1
    letters = topics.read(topics.dead_letters)
    assert [letter.value for letter in letters] == [*BAD.values(), b""]
    for letter, origin in zip(letters, [*range(1, 2 * len(BAD), 2), 2 * len(BAD)], strict=True):
        headers = dict(letter.headers)
        assert headers["x-origin-topic"] == topics.transactions.encode()
        assert headers["x-origin-offset"] == str(origin).encode()
        assert headers["x-reason"]
        assert headers["x-detail"]
        assert letter.key == b"u1"
    assert dict(letters[0].headers)["x-original-trace"] == b"abc"


def test_two_workers_share_four_partitions(kafka: str, bundle: Path, tmp_path: Path) -> None:
    topics = Topics(kafka).create(partitions=4)
    events = first_days(40)
    half = len(events) // 2
    with forked_worker(topics, bundle, tmp_path / "one") as one:
        topics.produce(messages_of(events[:half], topics.transactions))
        with forked_worker(topics, bundle, tmp_path / "two") as two:
            eventually("both have partitions", lambda: two.ready() and one.ready())
            topics.produce(messages_of(events[half:], topics.transactions))
            eventually("all events are judged", lambda: topics.committed() == len(events))
            shares = [Scrape.of(each.metrics()).total("streamer_events_total") for each in (one, two)]
            assert two.stop() == 0
        eventually("one serves what two left", one.ready)
        assert one.stop() == 0
    assert min(shares) > 0
    assert sum(shares) >= len(events)
    ids = Counter(alert.identity.alert_id for alert in alerts_of(topics.read(topics.alerts)))
    assert ids


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_in_mid_stream_loses_nothing(kafka: str, bundle: Path, tmp_path: Path, number: signal.Signals) -> None:
    topics = Topics(kafka).create(partitions=2)
    events = first_days(60)
    topics.produce(messages_of(events, topics.transactions))
    with forked_worker(topics, bundle, tmp_path / "first", "--set", "worker.max_poll_records=100") as running:
        eventually("some events are judged", lambda: topics.committed() > 0)
        assert running.stop(number) == 0
    committed = topics.committed()
    assert 0 < committed < len(events)
    with forked_worker(topics, bundle, tmp_path / "second") as running:
        eventually("the rest is judged", lambda: topics.committed() == len(events))
        judged = Scrape.of(running.metrics()).total("streamer_events_total")
        assert running.stop() == 0
    # An orderly stop commits what it judged: the second worker judges exactly the rest.
    assert judged == len(events) - committed


def test_two_signals_for_one_wish_are_one(kafka: str, bundle: Path, tmp_path: Path) -> None:
    topics = Topics(kafka).create(partitions=1)
    with worker(topics, bundle, tmp_path / "log") as running:
        running.process.send_signal(signal.SIGTERM)
        assert running.stop() == 0


def test_a_second_run_after_a_crash_raises_the_same_alert_ids(kafka: str, bundle: Path, tmp_path: Path) -> None:
    topics = Topics(kafka).create(partitions=1)
    events = first_days(60)
    topics.produce(messages_of(events, topics.transactions))
    with forked_worker(topics, bundle, tmp_path / "first", "--set", "worker.max_poll_records=500") as running:
        eventually("some events are judged", lambda: topics.committed() > 0)
        assert running.stop(signal.SIGKILL) == -signal.SIGKILL
    with forked_worker(topics, bundle, tmp_path / "second") as running:
        eventually("the rest is judged", lambda: topics.committed() == len(events))
        assert running.stop() == 0
    by_id: dict[str, set[str]] = {}
    for alert in alerts_of(topics.read(topics.alerts)):
        by_id.setdefault(alert.identity.alert_id, set()).add(alert.transaction.transaction_id)
    assert by_id
    assert all(len(transactions) == 1 for transactions in by_id.values())
