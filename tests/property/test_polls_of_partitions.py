"""What a poll of several partitions leads to: for each partition just what it leads to alone."""

from functools import cache
from itertools import groupby
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.bundle import Bundle, load_bundle
from detectors.threads import use_one_thread
from streamer.events.record import Message, Record, TopicPartition
from streamer.settings import Settings
from streamer.state.features import TABLE
from tests.helpers.faulty import pipeline_of
from tests.helpers.payments import payments

COUNT = 80
SETTINGS = Settings.model_validate({"topics": {"scores": "scores"}, "alerts": {"alerts_per_million": 100_000.0}})
RUBBISH = (None, b"", b"[]", b"{}", b'{"transaction_id":"a"},{"transaction_id":"b"}', b"\xff")

Outputs = dict[TopicPartition, list[Message]]


@cache
def loaded(folder: Path) -> Bundle:
    use_one_thread()
    return load_bundle(folder, TABLE)


def outputs(bundle: Bundle, polls: list[list[Record]], published_to: int) -> Outputs:
    pipeline = pipeline_of(bundle, bundle.ensemble, SETTINGS)
    found: Outputs = {}
    for poll in polls:
        for record in poll:
            pipeline.partition(record.source).published_to = published_to
        for part in pipeline.process(poll, now_ms=0):
            found.setdefault(part.source, []).extend(part.messages)
    return found


@given(
    spoilt=st.dictionaries(st.integers(0, COUNT - 1), st.sampled_from(RUBBISH), max_size=10),
    published_to=st.integers(0, COUNT // 2),
)
@settings(max_examples=20, deadline=None)
def test_each_partition_gets_its_own_outputs(bundle: Path, spoilt: dict[int, bytes | None], published_to: int) -> None:
    records = [
        Record(*record.source, record.offset, record.key, spoilt.get(row, record.value), timestamp=record.timestamp)
        for row, record in enumerate(payments(COUNT))
    ]
    alone = [list(found) for _, found in groupby(records, key=lambda record: record.source)]
    assert len(alone) > 1
    together = outputs(loaded(bundle), [records], published_to)
    assert together == outputs(loaded(bundle), alone, published_to)
    if not spoilt and not published_to:
        assert {message.topic for messages in together.values() for message in messages} == {"scores", "alerts"}
