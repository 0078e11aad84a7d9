"""What the dead-letter topic says when it is read as a ledger."""

import pytest

from streamer.dead_letters.find import find
from streamer.dead_letters.ledger import Ledger, read_ledger
from streamer.dead_letters.letter import Letter, Position, parse_position, read_entry
from streamer.dead_letters.selection import Selection
from streamer.dead_letters.status import Status
from streamer.events.record import Headers, Message, Record
from tests.helpers.letters import LETTERS, RUBBISH, Letters


def marker(position: str, key: bytes | None = b"u1") -> Message:
    headers = (("x-redrive-of", position.encode()), ("x-redriven-at", b"2026-01-01T00:00:00.000Z"))
    return Message(LETTERS, key, b"", headers)


def read(letters: Letters, selection: Selection | None = None) -> Ledger:
    with letters.open() as topic:
        return read_ledger(topic, (selection or Selection()).wants)


def test_every_letter_has_the_status_that_marks_and_headers_give_it() -> None:
    letters = Letters(partitions=1)
    letters.add(RUBBISH["bad_json"])
    letters.add(RUBBISH["bad_json"])
    letters.add(b"\xff" * 20_000, headers=(("trace", b"x" * 20_000),))
    letters.reject(Record("transactions", 0, 9, b"u1", b"x" * 20_000), limit=16_384)
    letters.add(RUBBISH["bad_json"], headers=(("x-redrive-count", b"1"),))
    letters.send([marker("0/1")])
    ledger = read(letters)
    assert [ledger.status(letter) for letter in ledger.letters] == [
        Status.OPEN,
        Status.REDRIVEN,
        Status.OPEN,
        Status.TRUNCATED,
        Status.AGAIN,
    ]
    assert ledger.foreign == 0


def test_what_is_no_letter_is_counted_and_named() -> None:
    letters = Letters(partitions=1)
    strange: list[Headers] = [
        (),
        (("x-reason", b"bad_json"),),
        (("x-reason", b"bad_json"), ("x-origin-topic", b"t"), ("x-origin-partition", b"0")),
        (("x-reason", b"r"), ("x-origin-topic", b"t"), ("x-origin-partition", b"-1"), ("x-origin-offset", b"1")),
        (("x-redrive-of", b"rubbish"),),
        (("x-redrive-of", b"0/" + b"9" * 5_000),),
    ]
    letters.send([Message(LETTERS, b"k", b"v", headers) for headers in strange])
    letters.add(RUBBISH["empty"])
    ledger = read(letters)
    assert ledger.foreign == len(strange)
    assert ledger.foreign_examples == [Position(0, offset) for offset in range(5)]
    assert [letter.reason for letter in ledger.letters] == ["empty"]


def test_filters_must_all_hold() -> None:
    letters = Letters(partitions=1)
    letters.add(RUBBISH["missing_field"])
    letters.add(RUBBISH["wrong_type"], topic="other")
    letters.clock_ms += 1_000
    letters.add(RUBBISH["missing_field"])

    def offsets(selection: Selection) -> list[int]:
        return [letter.offset for letter in read(letters, selection).letters]

    start = letters.clock_ms - 1_000
    assert offsets(Selection()) == [0, 1, 2]
    assert offsets(Selection(reasons=frozenset({"missing_field"}))) == [0, 2]
    assert offsets(Selection(reasons=frozenset({"missing_field", "wrong_type"}))) == [0, 1, 2]
    assert offsets(Selection(field="transaction_id")) == [1]
    assert offsets(Selection(origin_topic="other")) == [1]
    assert offsets(Selection(since_ms=start + 1_000)) == [2]
    assert offsets(Selection(until_ms=start + 1_000)) == [0, 1]
    assert offsets(Selection(field="user_id", since_ms=start + 1)) == [2]


def test_a_mark_counts_even_where_its_letter_is_not_wanted() -> None:
    letters = Letters(partitions=1)
    letters.add(RUBBISH["bad_json"])
    letters.send([marker("0/0")])
    ledger = read(letters, Selection(field="nothing"))
    assert ledger.letters == []
    assert ledger.redriven == {Position(0, 0)}


def test_a_letter_tells_its_origin() -> None:
    letters = Letters(partitions=1)
    letters.add(RUBBISH["wrong_type"], offset=77)
    (letter,) = read(letters).letters
    assert letter == Letter(
        partition=0,
        offset=0,
        timestamp=letters.clock_ms,
        reason="wrong_type",
        field="transaction_id",
        origin_topic="transactions",
        origin_partition=0,
        origin_offset=77,
        truncated="",
        redrives=0,
    )
    assert letter.origin == "transactions/0@77"


@pytest.mark.parametrize("text", ["", "1", "/", "1/", "/1", "-1/2", "1/2/3", "a/b", "1/²", "1/ 2"])
def test_what_is_no_position_is_none(text: str) -> None:
    assert parse_position(text) is None


def test_a_position_reads_as_it_is_written() -> None:
    assert parse_position(str(Position(3, 12_345_678_901))) == Position(3, 12_345_678_901)


def test_one_letter_is_found_with_its_mark() -> None:
    letters = Letters(partitions=2)
    letters.add(RUBBISH["bad_json"], key=b"a")
    (record,) = letters.broker.records(LETTERS)
    position = Position(record.partition, record.offset)
    letters.send([marker(str(position), key=None) for _ in range(2)])
    with letters.open() as topic:
        found = find(topic, position)
    assert found is not None
    assert (found.record, found.letter) == (record, read_entry(record))
    assert (found.status, found.redriven_at) == (Status.REDRIVEN, "2026-01-01T00:00:00.000Z")
    with letters.open() as topic:
        assert find(topic, Position(0, 99)) is None
