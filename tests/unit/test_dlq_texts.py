"""What `streamer dlq` prints, to people and to programs."""

import io
import json
import subprocess
import sys

import pytest
from rich.console import Console
from typer.testing import CliRunner

from streamer.cli.app import app
from streamer.cli.dlq_letter import letter_document, letter_text
from streamer.cli.dlq_report import listing_document, print_listing, summary_document, summary_text
from streamer.dead_letters.find import Found, find
from streamer.dead_letters.ledger import Ledger, read_ledger
from streamer.dead_letters.letter import Position
from streamer.dead_letters.plan import Summary
from streamer.dead_letters.restore import Refusal
from streamer.dead_letters.selection import Selection
from streamer.errors import SettingsError
from streamer.events.record import Message
from tests.helpers.letters import LETTERS, RUBBISH, Letters


def ledger_of(letters: Letters) -> Ledger:
    with letters.open() as topic:
        return read_ledger(topic, Selection().wants)


def found_at(letters: Letters, offset: int = 0) -> Found:
    with letters.open() as topic:
        found = find(topic, Position(0, offset))
    assert found is not None
    return found


def listing(ledger: Ledger, limit: int | None = 50) -> str:
    out = io.StringIO()
    print_listing(ledger, ledger.letters, limit, Console(file=out, width=160))
    return out.getvalue()


def test_a_listing_shows_the_newest_letters_last_and_counts_all() -> None:
    letters = Letters(partitions=1)
    for number in range(3):
        letters.clock_ms += 60_000
        letters.add(RUBBISH["wrong_type"], offset=number)
    letters.clock_ms += 60_000
    letters.add(RUBBISH["bad_json"], offset=9)
    letters.send([Message(LETTERS, None, b"x"), Message(LETTERS, None, b"", (("x-redrive-of", b"0/0"),))])
    ledger = ledger_of(letters)
    text = listing(ledger, limit=2)
    assert text.index("transactions/0@2") < text.index("transactions/0@9")
    assert "transactions/0@1" not in text
    assert "2025-06-15T15:10:40.000Z" in text
    assert "the newest 2 of 4" in text
    assert "4 letters: 3 open, 1 redriven" in text
    assert "1 foreign: records of the topic that are no dead letters of this program; left alone: 0/4" in text
    counts = [line.split() for line in text.splitlines() if line.startswith("  ")]
    assert counts == [["wrong_type", "3"], ["bad_json", "1"]]
    document = json.loads(json.dumps(listing_document(ledger, ledger.letters, 2)))
    assert [letter["origin_offset"] for letter in document["letters"]] == [2, 9]
    assert document["letters"][1]["status"] == "open"
    assert document["by_status"] == {"open": 3, "redriven": 1}
    assert document["by_reason"] == {"wrong_type": 3, "bad_json": 1}
    assert (document["total"], document["foreign"], document["foreign_examples"]) == (4, 1, ["0/4"])


def test_an_empty_topic_lists_no_letters() -> None:
    assert listing(ledger_of(Letters())) == "0 letters\n"


def test_nothing_in_a_letter_reaches_the_terminal_as_a_command_or_as_markup() -> None:
    letters = Letters(partitions=1)
    evil = "[red]\x1b[2J\u202e"
    letters.send(
        [
            Message(
                LETTERS,
                evil.encode(),
                evil.encode(),
                (
                    ("x-reason", evil.encode()),
                    ("x-field", evil.encode()),
                    ("x-origin-topic", evil.encode()),
                    ("x-origin-partition", b"0"),
                    ("x-origin-offset", b"0"),
                    ("x-detail", evil.encode()),
                    ("x-original-" + evil, evil.encode()),
                ),
            )
        ]
    )
    for text in (listing(ledger_of(letters)), letter_text(found_at(letters))):
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "[red]\\x1b[2J" in text


def test_a_letter_is_shown_whole() -> None:
    letters = Letters(partitions=1)
    letters.add(b'{"transaction_id":\n 1.5}', headers=(("trace", b"\xff\x00"),))
    text = letter_text(found_at(letters))
    for part in (
        "position    0/0",
        "status      open",
        "written     2025-06-15T15:06:40.000Z",
        "origin      transactions/0@7",
        "detail      wrong_type in field 'transaction_id' (value '1.5'): send int or str instead of float",
        "key         u1",
        "  x-worker-version = 0.1.0",
        "headers of the original\n  trace = \\xff\\x00",
        'value, 24 bytes\n{"transaction_id":\n 1.5}',
    ):
        assert part in text, text
    document = json.loads(json.dumps(letter_document(found_at(letters))))
    assert document["letter"]["reason"] == "wrong_type"
    assert document["value_text"] == '{"transaction_id":\n 1.5}'
    assert ["x-original-trace", "\\xff\x00"] in document["headers"]


def test_bytes_that_are_no_text_are_dumped_and_long_values_cut() -> None:
    letters = Letters(partitions=1)
    letters.add(b"\xff" * 10_000)
    letters.add(b"x" * 60_000)
    dump = letter_text(found_at(letters))
    assert "value, 10,000 bytes that are no UTF-8\n00000000  ff ff" in dump
    assert "00000ff0  ff" in dump
    assert "00001000" not in dump
    for text in (dump, letter_text(found_at(letters, 1))):
        assert text.endswith("… cut here; --raw writes all of it")
    assert json.loads(json.dumps(letter_document(found_at(letters))))["value_text"] is None


def test_a_foreign_record_can_be_shown_too() -> None:
    letters = Letters(partitions=1)
    letters.send([Message(LETTERS, None, b"hello")])
    text = letter_text(found_at(letters))
    assert "no dead letter of this program" in text
    assert "key         none" in text
    assert text.endswith("value, 5 bytes\nhello")


def test_a_summary_says_what_was_done_and_why_not() -> None:
    summary = Summary(selected=1_010, redriven=1_000, done=3, left=4, foreign=7, foreign_examples=[Position(0, 1)])
    summary.refused[Refusal.TRUNCATED] = 3
    assert summary_text(summary, dry_run=False) == (
        "1,010 letters selected, 1,000 redriven\n"
        "  3 done before\n"
        "  3 refused, truncated: key, headers or value were cut to fit\n"
        "  4 left: repeat the command to go on\n"
        "7 foreign: records of the topic that are no dead letters of this program; left alone: 0/1, …"
    )
    assert summary_text(Summary(), dry_run=True) == "0 letters selected, 0 would be redriven"
    assert json.loads(json.dumps(summary_document(summary, dry_run=False))) == {
        "dry_run": False,
        "selected": 1_010,
        "redriven": 1_000,
        "done_before": 3,
        "refused": {"truncated": 3},
        "left": 4,
        "foreign": 7,
        "foreign_examples": ["0/1"],
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "12"], "write PARTITION/OFFSET"),
        (["list", "--since", "yesterday"], "--since 'yesterday' is no time"),
        (["list", "--origin-topic", "a b"], "--origin-topic 'a b' cannot name a topic"),
        (["list", "--until", "2026-13-01"], "--until '2026-13-01' is no time"),
        (["redrive", "--to", "dead-letters"], "a topic that the worker writes"),
        (["redrive", "--to", "alerts"], "a topic that the worker writes"),
        (["redrive", "--to", "s", "--set", "topics.scores=s"], "a topic that the worker writes"),
    ],
)
def test_wrong_arguments_are_told_before_anything_is_asked_of_a_broker(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["dlq", *arguments])
    assert isinstance(result.exception, SettingsError)
    assert said in str(result.exception)


@pytest.mark.parametrize("arguments", [["redrive", "--per-second", "0"], ["redrive", "--max-attempts", "0"]])
def test_flags_out_of_range_are_refused(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, ["dlq", *arguments]).exit_code == 2


def test_looking_at_dead_letters_loads_no_models() -> None:
    parts = "streamer.cli.source, streamer.cli.dlq_redrive, streamer.cli.dlq_report, streamer.dead_letters.redrive"
    heavy = "{'torch', 'numba'} & sys.modules.keys()"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, {parts}; print({heavy})"], capture_output=True, check=True
    )
    assert done.stdout == b"set()\n"
