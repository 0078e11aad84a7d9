"""`streamer dlq` as people run it, on a real Kafka beside a real worker."""

import json
import signal
import subprocess
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from streamer.alerts.dead_letter import dead_letter
from streamer.events.decode import decode
from streamer.events.record import Message, Record
from streamer.scrape import Scrape
from streamer.settings import EventSettings, KafkaSettings
from streamer.transport.kafka_admin import log_ends
from tests.helpers.forked import Forked, forked_worker, run_forked
from tests.helpers.worker import PATIENCE_S, Topics, command_arguments, command_of, eventually

GOOD = b'{"transaction_id":"good","user_id":"u1","amount":12.5,"timestamp":1750000000000}'
RUBBISH = (b'{"transaction_id":"half', b"\xff\xfe\x00", b'{"transaction_id":"t","amount":1,"timestamp":1750000000000}')


def dlq(topics: Topics, command: str, *more: str) -> str:
    done = run_forked(command_arguments(f"dlq {command}", topics.flags, *more))
    assert done.returncode == 0, done.stderr
    return done.stdout


def facts(topics: Topics, command: str, *more: str) -> dict[str, Any]:
    found = json.loads(dlq(topics, command, *more, "--json"))
    assert isinstance(found, dict)
    return found


def letters_of(topics: Topics, count: int) -> list[bytes]:
    """Write dead letters as a worker would, each of another value."""
    values = [b'{"number": %d' % number for number in range(count)]
    records = [Record(topics.transactions, 0, n, b"u%d" % (n % 7), value) for n, value in enumerate(values)]
    _, rejected = decode(records, EventSettings())
    topics.produce(
        [dead_letter(each, topics.dead_letters, worker="w", version="0", max_bytes=1_000_000) for each in rejected]
    )
    return values


def has_written(topics: Topics, records: int) -> bool:
    """Tell whether the topic of transactions has grown to so many, marks of transactions included."""
    settings = KafkaSettings(bootstrap_servers=topics.bootstrap)
    return sum(log_ends(settings, topics.transactions).values()) >= records


def sent_back(topics: Topics) -> Counter[bytes]:
    return Counter(record.value or b"" for record in topics.read(topics.transactions))


def test_rubbish_is_listed_shown_and_redriven_once(kafka: str, bundle: Path, tmp_path: Path) -> None:
    topics = Topics(kafka).create(partitions=1)
    topics.produce(
        [Message(topics.transactions, b"u1", value, (("trace", b"\xff"),)) for value in (GOOD, *RUBBISH, GOOD)]
    )
    with forked_worker(topics, bundle, tmp_path / "first") as running:
        eventually("the rubbish is dead-lettered", lambda: topics.committed() == 5)
        assert running.stop() == 0

    listed = facts(topics, "list")
    assert (listed["total"], listed["by_status"]) == (3, {"open": 3})
    (position,) = [each["position"] for each in listed["letters"] if each["reason"] == "bad_encoding"]
    text = dlq(topics, "list", "--reason", "bad_encoding")
    assert position in text
    assert "1 letters: 1 open" in text
    shown = dlq(topics, "show", position)
    assert "ff fe 00" in shown
    assert "trace = \\xff" in shown
    raw = subprocess.run(command_of("dlq show", topics.flags, position, "--raw"), capture_output=True, check=True)
    assert raw.stdout == RUBBISH[1]
    # Where no letter stands, their transactions end, of which there may be several.
    letters = {int(each["position"].removeprefix("0/")) for each in listed["letters"]}
    end = min(set(range(len(letters) + 1)) - letters)
    absent = {"7/0": "no partition 7: it has partition 0 alone", "0/99": "holds 0 to", f"0/{end}": "end"}
    for nothing, told in absent.items():
        missed = run_forked(command_arguments("dlq show", topics.flags, nothing))
        assert missed.returncode == 2
        assert f"streamer: there is no letter {nothing}: " in missed.stderr
        assert told in missed.stderr

    assert facts(topics, "redrive", "--dry-run")["redriven"] == 3
    assert facts(topics, "redrive", "--limit", "1")["redriven"] == 1
    assert facts(topics, "redrive")["redriven"] == 2
    again = facts(topics, "redrive")
    assert (again["redriven"], again["done_before"]) == (0, 3)
    redriven = topics.read(topics.transactions)[5:]
    assert sorted(record.value or b"" for record in redriven) == sorted(RUBBISH)
    for record in redriven:
        headers = dict(record.headers)
        assert record.key == b"u1"
        assert (headers["trace"], headers["x-redrive-count"]) == (b"\xff", b"1")

    with forked_worker(topics, bundle, tmp_path / "second") as running:
        eventually(
            "the worker dead-letters the records again",
            lambda: Scrape.of(running.metrics()).total("streamer_dead_letters_total") == 3,
        )
        assert running.stop() == 0
    looping = facts(topics, "redrive")
    assert (looping["redriven"], looping["done_before"], looping["refused"]) == (0, 3, {"attempts": 3})
    assert facts(topics, "redrive", "--max-attempts", "2", "--status", "again")["redriven"] == 3


def test_a_redrive_that_is_killed_and_repeated_sends_each_record_once(kafka: str, tmp_path: Path) -> None:
    topics = Topics(kafka).create(partitions=2)
    values = letters_of(topics, 300)
    for enough in (30, 60, 90):
        process = Forked(command_arguments("dlq redrive", topics.flags, "--per-second", "40"), tmp_path / "log")
        try:
            eventually("some are sent", partial(has_written, topics, enough))
        finally:
            process.kill()
            process.wait()
    assert set(sent_back(topics).values()) == {1}
    rest = facts(topics, "redrive", "--per-second", "10000")
    assert rest["left"] == 0
    assert sent_back(topics) == Counter(values)
    assert facts(topics, "redrive")["redriven"] == 0


def test_a_second_redrive_takes_over_from_the_first(kafka: str, tmp_path: Path) -> None:
    topics = Topics(kafka).create(partitions=1)
    values = letters_of(topics, 200)
    log = tmp_path / "log"
    first = Forked(command_arguments("dlq redrive", topics.flags, "--per-second", "10"), log)
    try:
        eventually("the first has begun", lambda: has_written(topics, 1))
        facts(topics, "redrive", "--per-second", "10000")
        assert first.wait(PATIENCE_S) == 7, log.read_text(encoding="utf-8")
    finally:
        first.kill()
        first.wait()
    assert sent_back(topics) == Counter(values)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_a_redrive_between_transactions(kafka: str, tmp_path: Path, number: signal.Signals) -> None:
    topics = Topics(kafka).create(partitions=1)
    values = letters_of(topics, 100)
    output = tmp_path / "output"
    arguments = command_arguments("dlq redrive", topics.flags, "--per-second", "10", "--json")
    process = Forked(arguments, output, errors=tmp_path / "errors")
    try:
        eventually("it has begun", lambda: has_written(topics, 1))
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()
    summary = json.loads(output.read_bytes())
    assert 0 < summary["redriven"] < 100
    assert sum(sent_back(topics).values()) == summary["redriven"]
    facts(topics, "redrive", "--per-second", "10000")
    assert sent_back(topics) == Counter(values)
