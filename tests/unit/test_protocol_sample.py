"""Which windows train and test, on simulated payments."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from streamer.errors import ArchiveError, SettingsError
from streamer.events.decode import decode
from streamer.events.record import Record
from streamer.protocol.sample import Sample, gather
from streamer.protocol.split import DAY_MS, Split
from streamer.settings import EventSettings, StateSettings
from streamer.simulate.event import SimulatedEvent, encode
from streamer.simulate.stream import simulate
from streamer.state.partition import Advance, PartitionState
from tests.conftest import SMALL_WORLD
from tests.helpers.windows import simulated_windows

WORLD = replace(SMALL_WORLD, episodes_per_1000_user_days=20.0)
DAYS = 12
SPLIT = Split(WORLD.start + 3 * DAY_MS, train_days=4, delay_days=2, test_days=3)


@cache
def events() -> tuple[SimulatedEvent, ...]:
    return tuple(simulate(WORLD, range(DAYS)))


def labels() -> dict[str, bool]:
    return {str(event.transaction.transaction_id): event.fraud is not None for event in events()}


def advances(batch: int = 500) -> Iterator[tuple[Advance, int]]:
    state = PartitionState(StateSettings(), late_after_ms=600_000)
    records = [Record("t", 0, offset, None, encode(event.transaction)) for offset, event in enumerate(events())]
    for start in range(0, len(records), batch):
        found, faults = decode(records[start : start + batch], EventSettings())
        yield state.advance(found), len(faults)


def rows(first: int, last: int) -> list[int]:
    """Return the places of the events of the days from first to before last."""
    start = WORLD.start
    return [
        place
        for place, event in enumerate(events())
        if start + first * DAY_MS <= int(event.transaction.timestamp) < start + last * DAY_MS
    ]


def naive_test_rows() -> list[int]:
    """Return the places of the payments of the test whose card is not known."""
    kept = []
    for place in rows(9, 12):
        event = events()[place]
        midnight = int(event.transaction.timestamp) // DAY_MS * DAY_MS
        known = any(
            other.fraud is not None
            and other.transaction.user_id == event.transaction.user_id
            and SPLIT.train_start <= int(other.transaction.timestamp) < midnight - 2 * DAY_MS
            for other in events()
        )
        if not known:
            kept.append(place)
    return kept


@pytest.fixture(scope="module")
def sample() -> Sample:
    return gather(advances(), SPLIT, labels())


def test_windows_are_those_that_the_whole_past_makes(sample: Sample) -> None:
    windows, fraud = simulated_windows(WORLD, DAYS)
    train, test = np.array(rows(3, 7)), np.array(naive_test_rows())
    np.testing.assert_array_equal(sample.train.last, windows.last[train])
    np.testing.assert_array_equal(sample.train.steps, windows.steps[train])
    np.testing.assert_array_equal(sample.train_fraud, fraud[train])
    np.testing.assert_array_equal(sample.test.last, windows.last[test])
    np.testing.assert_array_equal(sample.truth.fraud, fraud[test])


def test_the_truth_belongs_to_the_windows(sample: Sample) -> None:
    test = [events()[place].transaction for place in naive_test_rows()]
    assert sample.known == len(rows(9, 12)) - len(test) > 0
    assert sample.truth.amount.tolist() == pytest.approx([float(each.amount) for each in test])
    assert sample.truth.day.tolist() == [(int(each.timestamp) - SPLIT.test_start) // DAY_MS for each in test]
    cards = dict(zip((each.user_id for each in test), sample.truth.card.tolist(), strict=True))
    assert [cards[each.user_id] for each in test] == sample.truth.card.tolist()
    assert len(set(cards.values())) == len(cards)


def test_other_labels_change_no_window(sample: Sample) -> None:
    trained = {str(events()[place].transaction.transaction_id) for place in rows(3, 7)}
    other = gather(advances(), SPLIT, {name: fraud and name not in trained for name, fraud in labels().items()})
    np.testing.assert_array_equal(other.train.last, sample.train.last)
    assert sample.train_fraud.any()
    assert not other.train_fraud.any()
    assert other.known < sample.known


def test_batches_do_not_matter(sample: Sample) -> None:
    other = gather(advances(batch=37), SPLIT, labels())
    np.testing.assert_array_equal(other.test.steps, sample.test.steps)
    np.testing.assert_array_equal(other.truth.card, sample.truth.card)


def test_what_has_no_label_is_left_out_and_counted(sample: Sample) -> None:
    known = labels()
    first = str(events()[rows(3, 4)[0]].transaction.transaction_id)
    del known[first]
    other = gather(advances(), SPLIT, known)
    assert (other.unlabelled, len(other.train)) == (1, len(sample.train) - 1)


def test_days_without_payments_are_explained() -> None:
    late = Split(WORLD.start + 3 * DAY_MS, train_days=4, delay_days=2, test_days=3)
    with pytest.raises(ArchiveError, match=r"to train: the data run from 2025-01-01T.* to 2025-01-12T"):
        gather(advances(), replace(late, train_start=WORLD.start + 50 * DAY_MS), labels())
    with pytest.raises(ArchiveError, match=r"between 2025-01-14T.*, to test"):
        gather(advances(), replace(late, delay_days=6), labels())
    with pytest.raises(ArchiveError, match=r"0 of \d+ payments of the test are fraud"):
        gather(advances(), late, dict.fromkeys(labels(), False))
    with pytest.raises(ArchiveError, match="there are no payments"):
        gather([], late, labels())


@pytest.mark.parametrize(
    ("date", "days", "said"),
    [
        ("2025-13-01", (7, 7, 7), "is no date"),
        ("2025-01-01", (0, 7, 7), "0 days of training"),
        ("now", (7, 7, 7), "no date"),
    ],
)
def test_splits_are_checked(date: str, days: tuple[int, int, int], said: str) -> None:
    train, delay, test = days
    with pytest.raises(SettingsError, match=said):
        Split.from_date(date, train_days=train, delay_days=delay, test_days=test)


def test_days_are_counted_from_midnight_utc() -> None:
    split = Split.from_date("2018-07-25", train_days=7, delay_days=7, test_days=7)
    assert split.train_start == np.datetime64("2018-07-25", "ms").astype(np.int64)
    assert split.test_start == np.datetime64("2018-08-08", "ms").astype(np.int64)
    assert split.test_end == np.datetime64("2018-08-15", "ms").astype(np.int64)
