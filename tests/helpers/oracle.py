"""What a worker must have written, and what it did write: the same, whatever happened to it.

The oracle is one pipeline in this process that reads the input from the real topic, once, in
order and undisturbed. What the worker wrote is read as any subscriber of committed records would.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from msgspec.structs import replace

from detectors.bundle import Bundle
from detectors.threads import use_one_thread
from streamer import __version__
from streamer.alerts.contract import Alert, decode_alert, encode_alert
from streamer.alerts.score import decode_score
from streamer.events.record import Message, Record, TopicPartition
from streamer.pipeline import Pipeline
from streamer.settings import Settings

_BATCH = 1_000
_NO_TIME = "1970-01-01T00:00:00.000Z"
# Who wrote a dead letter, and when an alert was made, are no part of what was found.
_CIRCUMSTANCES = frozenset({"x-worker", "ce_time"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One output.

    Attributes:
        source: the input partition that it follows from.
        offset: the input record that it follows from.
        content: everything that must be the same in every run.
    """

    source: TopicPartition
    offset: int
    content: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """All outputs, in the order of their topic.

    Attributes:
        scores: of every payment that counted.
        alerts: all raised.
        dead_letters: all records that could not be judged.
    """

    scores: tuple[Entry, ...]
    alerts: tuple[Entry, ...]
    dead_letters: tuple[Entry, ...]


def expected(records: Sequence[Record], settings: Settings, bundle: Bundle) -> Outcome:
    """Judge an input without any disturbance.

    Args:
        records: the whole input; those of one partition in order.
        settings: those of the worker, with a topic of scores.
        bundle: the worker's.
    """
    use_one_thread()
    pipeline = Pipeline(
        settings, bundle, worker="oracle", version=__version__, replay=False, stage=lambda _: nullcontext()
    )
    messages: list[Message] = []
    for source in sorted({record.source for record in records}):
        share = [record for record in records if record.source == source]
        for start in range(0, len(share), _BATCH):
            for part in pipeline.process(share[start : start + _BATCH], now_ms=0):
                messages += part.messages
    return outcome_of(messages, settings)


def outcome_of(written: Iterable[Record | Message], settings: Settings) -> Outcome:
    """Sort what was written by its kind."""
    topics = settings.topics
    entries: dict[str | None, list[Entry]] = {topics.scores: [], topics.alerts: [], topics.dead_letters: []}
    readers = {topics.scores: _score, topics.alerts: _alert, topics.dead_letters: _dead_letter}
    for each in written:
        entries[each.topic].append(readers[each.topic](each))
    return Outcome(*(tuple(entries[name]) for name in (topics.scores, topics.alerts, topics.dead_letters)))


def assert_same(wanted: Outcome, found: Outcome) -> None:
    """Check that nothing is missing, nothing is there twice, nothing differs in a bit, and the order is the log's."""
    faults = [
        f"{kind}: {fault}"
        for kind in ("scores", "alerts", "dead_letters")
        for fault in differences(getattr(wanted, kind), getattr(found, kind))
    ]
    assert not faults, "\n".join(faults)


def differences(wanted: Sequence[Entry], found: Sequence[Entry]) -> list[str]:
    """Tell what is wrong with what was found, briefly."""
    faults = []
    times = Counter((each.source, each.offset) for each in found)
    told = {(each.source, each.offset): each for each in wanted}
    here = {(each.source, each.offset): each for each in found}
    missing = sorted(told.keys() - here.keys())
    extra = sorted(here.keys() - told.keys())
    twice = sorted(place for place, count in times.items() if count > 1)
    other = sorted(place for place in told.keys() & here.keys() if told[place] != here[place])
    for what, places in (("missing", missing), ("not expected", extra), ("there twice", twice), ("other", other)):
        if places:
            faults.append(f"{len(places)} of {len(wanted)} {what}, first {_brief(places)}")
    if other:
        faults.append(f"expected {told[other[0]].content}\n   found {here[other[0]].content}")
    faults += [f"out of order in {source}" for source in {each.source for each in found} if not _ascends(source, found)]
    return faults


def _ascends(source: TopicPartition, found: Sequence[Entry]) -> bool:
    offsets = [each.offset for each in found if each.source == source]
    return offsets == sorted(offsets)


def _brief(places: Sequence[tuple[TopicPartition, int]]) -> str:
    return ", ".join(f"{source.partition}@{offset}" for source, offset in places[:5])


def _score(written: Record | Message) -> Entry:
    score = decode_score(written.value or b"")
    return Entry(TopicPartition(score.topic, score.partition), score.offset, (written.key, written.value))


def _alert(written: Record | Message) -> Entry:
    alert = decode_alert(written.value or b"")
    origin = alert.origin
    content = (written.key, _lasting(written), encode_alert(timeless(alert)))
    return Entry(TopicPartition(origin.topic, origin.partition), origin.offset, content)


def _dead_letter(written: Record | Message) -> Entry:
    headers = dict(written.headers)
    source = TopicPartition(headers["x-origin-topic"].decode(), int(headers["x-origin-partition"]))
    return Entry(source, int(headers["x-origin-offset"]), (written.key, _lasting(written), written.value))


def _lasting(written: Record | Message) -> tuple[tuple[str, bytes], ...]:
    return tuple(pair for pair in written.headers if pair[0] not in _CIRCUMSTANCES)


def timeless(alert: Alert) -> Alert:
    """Return an alert without the moment at which it was made."""
    return replace(alert, time=replace(alert.time, created_at=_NO_TIME, processing_ms=None))
