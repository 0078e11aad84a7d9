"""Redrives in any parts, with any failures and kills between: each letter goes back once."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.clock import ManualClock
from streamer.dead_letters.pace import Pace
from streamer.dead_letters.plan import Request, Summary
from streamer.dead_letters.redrive import TRIES, Redriver
from streamer.dead_letters.restore import Rules
from streamer.dead_letters.selection import Selection
from streamer.dead_letters.status import Status
from streamer.errors import FencedError, RetriableTransportError
from streamer.events.record import Headers, Message, Record, TopicPartition
from streamer.transport.base import Membership
from streamer.transport.memory import MemoryTransactionalProducer
from tests.helpers.letters import HOME, LETTERS, Letters

KINDS = ("whole", "came back", "cut", "from elsewhere", "foreign", "keyless")


class Killed(BaseException):
    """The process ended here."""


class Faulty:
    """A producer whose transactions meet the fates they are given, then succeed."""

    def __init__(self, inner: MemoryTransactionalProducer, fates: Iterator[str]) -> None:
        self._inner = inner
        self._fates = fates

    @property
    def max_message_bytes(self) -> int:
        return self._inner.max_message_bytes

    def transact(
        self,
        messages: Sequence[Message],
        offsets: Mapping[TopicPartition, int],
        membership: Membership | None,
        *,
        timeout_s: float,
    ) -> None:
        fate = next(self._fates, "written")
        if fate == "killed before":
            raise Killed
        if fate == "lost":
            raise RetriableTransportError("not written")
        self._inner.transact(messages, offsets, membership, timeout_s=timeout_s)
        if fate == "killed after":
            raise Killed
        if fate == "unanswered":
            raise RetriableTransportError("written, but nobody knows")

    def renew(self) -> None:
        self._inner.renew()

    def close(self) -> None:
        self._inner.close()


def fill(letters: Letters, kinds: Sequence[str]) -> list[bytes]:
    """Write an entry of each kind; return the values that may go back."""
    good = []
    for number, kind in enumerate(kinds):
        value = b'{"number": %d' % number
        key = None if kind == "keyless" else b"u%d" % (number % 5)
        headers: Headers = (("trace", b"%d" % number),)
        if kind == "came back":
            headers += (("x-redrive-count", b"1"),)
        record = Record("elsewhere" if kind == "from elsewhere" else HOME, 1, number, key, value, headers, 5)
        if kind == "foreign":
            letters.send([Message(LETTERS, key, value, headers)])
        elif kind == "cut":
            letters.reject(Record(HOME, 1, number, key, value * 3_000, headers, 5), limit=16_384)
        else:
            letters.reject(record)
        if kind in {"whole", "keyless"}:
            good.append(value)
    return good


def run(
    letters: Letters,
    *,
    selection: Selection | None = None,
    limit: int | None = None,
    fates: Iterable[str] = (),
    max_attempts: int = 1,
    to: str | None = None,
    producer: MemoryTransactionalProducer | None = None,
    stopping: threading.Event | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Summary:
    producer = producer or MemoryTransactionalProducer(letters.broker, "redrive")
    clock = ManualClock(letters.clock_ms / 1000)
    return Redriver(
        Request(selection or Selection(), Rules(HOME, to, max_attempts), limit),
        Faulty(producer, iter(fates)),
        letters.open,
        pace=Pace(20, now=clock.monotonic, sleep=clock.advance),
        clock=clock,
        version="0.1.0",
        timeout_s=1,
        stopping=stopping or threading.Event(),
        progress=progress,
        backoff_s=0,
    ).run()


runs = st.lists(
    st.fixed_dictionaries(
        {
            "selection": st.builds(
                Selection,
                statuses=st.sampled_from([frozenset(), frozenset({Status.OPEN}), frozenset({Status.AGAIN})]),
                origin_topic=st.sampled_from([None, HOME, "elsewhere"]),
                field=st.sampled_from([None, "", "amount"]),
            ),
            "limit": st.none() | st.integers(1, 6),
            "fates": st.lists(
                st.sampled_from(["written", "written", "lost", "unanswered", "killed before", "killed after"]),
                max_size=6,
            ),
        }
    ),
    max_size=4,
)


def is_mark(record: Record) -> bool:
    return dict(record.headers).keys() >= {"x-redrive-of", "x-worker-version"} and not record.value


def sent(letters: Letters, topic: str = HOME) -> Counter[bytes]:
    return Counter(record.value or b"" for record in letters.broker.records(topic))


@settings(deadline=None)
@given(st.lists(st.sampled_from(KINDS), max_size=25), runs)
def test_every_open_letter_goes_back_once(kinds: list[str], given_runs: list[dict[str, object]]) -> None:
    letters = Letters()
    good = fill(letters, kinds)
    before = [record.value for record in letters.broker.records(LETTERS) if not is_mark(record)]
    for each in given_runs:
        with suppress(Killed, RetriableTransportError):
            run(letters, **each)  # type: ignore[arg-type]  # drawn by name
        assert set(sent(letters)) <= set(good)
        assert all(count == 1 for count in sent(letters).values())
    last = run(letters)
    assert sent(letters) == Counter(good)
    assert (last.left, last.foreign) == (0, kinds.count("foreign"))
    assert last.redriven + last.done == len(good)
    assert sum(last.refused.values()) == sum(kinds.count(kind) for kind in ("came back", "cut", "from elsewhere"))
    assert run(letters).redriven == 0
    after = [record.value for record in letters.broker.records(LETTERS) if not is_mark(record)]
    assert after == before


def test_a_redriven_record_is_the_original_with_its_provenance() -> None:
    letters = Letters(partitions=1)
    letters.add(b"{", key=b"\xff", headers=(("trace", b"\x00"), ("trace", b"2"), ("x-redrive-count", b"rubbish")))
    run(letters)
    (record,) = letters.broker.records(HOME)
    assert (record.key, record.value) == (b"\xff", b"{")
    assert record.headers == (
        ("trace", b"\x00"),
        ("trace", b"2"),
        ("x-redrive-count", b"1"),
        ("x-redrive-of", b"dead-letters/0/0"),
        ("x-redriven-at", b"2025-06-15T15:06:40.000Z"),
    )
    letter, done = letters.broker.records(LETTERS)
    assert (done.key, done.value) == (letter.key, b"")
    assert done.headers == (
        ("x-redrive-of", b"0/0"),
        ("x-redriven-at", b"2025-06-15T15:06:40.000Z"),
        ("x-worker-version", b"0.1.0"),
    )


def test_a_record_that_comes_back_goes_again_only_when_more_attempts_are_allowed() -> None:
    letters = Letters(partitions=1)
    letters.add(b"{")
    run(letters)
    (record,) = letters.broker.records(HOME)
    letters.reject(record)
    refused = run(letters)
    assert (refused.redriven, refused.done) == (0, 1)
    assert [refusal.name for refusal in refused.refused.elements()] == ["ATTEMPTS"]
    again = run(letters, max_attempts=2, selection=Selection(statuses=frozenset({Status.AGAIN})))
    assert (again.selected, again.redriven) == (1, 1)
    headers = letters.broker.records(HOME)[-1].headers
    assert [value for name, value in headers if name == "x-redrive-count"] == [b"2"]
    assert [value for name, value in headers if name == "x-redrive-of"] == [b"dead-letters/0/2"]


def test_a_named_target_takes_letters_of_any_origin() -> None:
    letters = Letters(partitions=1)
    letters.broker.create_topics({"mended": 1})
    letters.add(b"{", topic="elsewhere")
    assert [refusal.name for refusal in run(letters).refused.elements()] == ["ORIGIN"]
    assert run(letters, to="mended").redriven == 1
    assert sent(letters, "mended") == {b"{": 1}
    assert not sent(letters)


def test_a_second_run_fences_the_first() -> None:
    letters = Letters(partitions=1)
    fill(letters, ["whole"] * 10)
    first = MemoryTransactionalProducer(letters.broker, "redrive")
    first.renew()
    assert run(letters).redriven == 10
    with pytest.raises(FencedError):
        first.transact([Message(HOME, b"k", b"late")], {}, None, timeout_s=1)
    assert b"late" not in sent(letters)


def test_a_run_that_is_told_to_stop_ends_between_transactions() -> None:
    letters = Letters(partitions=1)
    fill(letters, ["whole"] * 10)
    stopping = threading.Event()
    summary = run(letters, stopping=stopping, progress=lambda _: stopping.set())
    assert 0 < summary.redriven < 10
    assert summary.redriven + summary.left == 10
    assert len(sent(letters)) == summary.redriven
    assert run(letters).redriven == summary.left


def test_what_no_longer_fits_into_a_message_is_refused_not_tried() -> None:
    letters = Letters(partitions=1)
    letters.add(b"x" * 20_000)
    letters.add(b"{")
    producer = MemoryTransactionalProducer(letters.broker, "redrive", max_message_bytes=16_384)
    summary = run(letters, producer=producer)
    assert [refusal.name for refusal in summary.refused.elements()] == ["TOO_LARGE"]
    assert (summary.redriven, summary.left) == (1, 0)
    assert sent(letters) == {b"{": 1}


def test_a_tombstone_comes_back_without_deleting_anything() -> None:
    letters = Letters(partitions=1)
    letters.reject(Record(HOME, 0, 1, b"u1", None))
    run(letters)
    (record,) = letters.broker.records(HOME)
    assert (record.key, record.value) == (b"u1", b"")


def test_a_broker_that_stays_away_ends_the_run() -> None:
    letters = Letters(partitions=1)
    fill(letters, ["whole"])
    with pytest.raises(RetriableTransportError):
        run(letters, fates=["lost"] * TRIES)
    assert not sent(letters)
    assert run(letters).redriven == 1


def test_an_unanswered_transaction_that_was_written_counts_as_redriven() -> None:
    letters = Letters(partitions=1)
    fill(letters, ["whole"] * 10)
    summary = run(letters, fates=["written", "unanswered", "lost", "unanswered"])
    assert (summary.redriven, summary.done, summary.left) == (10, 0, 0)
    assert set(sent(letters).values()) == {1}


def test_what_another_run_did_meanwhile_is_not_done_again() -> None:
    letters = Letters(partitions=1)
    fill(letters, ["whole"] * 10)

    def fates() -> Iterator[str]:
        yield "written"
        assert run(letters).redriven == 8
        yield "lost"

    summary = run(letters, fates=fates())
    # The transaction that was lost held two that the other run wrote then: whose they are, nobody can tell.
    assert (summary.redriven, summary.done, summary.left) == (4, 6, 0)
    assert set(sent(letters).values()) == {1}
