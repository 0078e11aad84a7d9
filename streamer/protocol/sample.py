"""The windows of a split, made by the state that all events before them shaped."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.api import Windows
from streamer.alerts.texts import time_text
from streamer.errors import ArchiveError
from streamer.protocol.figures import Truth
from streamer.protocol.split import Mask, Split
from streamer.state.partition import Advance


@dataclass(frozen=True, slots=True)
class Sample:
    """What models learn from, and what they are judged on.

    Attributes:
        train: windows of the days of training, oldest first.
        train_fraud: (N,) bool, their truth.
        test: windows of the days of the test, oldest first, without cards known to be defrauded.
        truth: of these.
        known: payments of the test left out because their card was known.
        unlabelled: payments of both left out because they have no label.
        rejected: records that were no transactions.
    """

    train: Windows
    train_fraud: NDArray[np.bool_]
    test: Windows
    truth: Truth
    known: int
    unlabelled: int
    rejected: int


class _Part:
    """Rows that grow batch by batch."""

    def __init__(self) -> None:
        self.windows: list[Windows] = []
        self.times: list[NDArray[np.int64]] = []
        self.amounts: list[NDArray[np.float64]] = []
        self.cards: list[str] = []
        self.fraud: list[bool] = []

    def add(self, advance: Advance, rows: NDArray[np.intp], labels: Mapping[str, bool]) -> None:
        batch = advance.batch
        self.windows.append(advance.windows.rows(rows))
        self.times.append(batch.timestamp[rows])
        self.amounts.append(batch.amount[rows])
        self.cards += [batch.user_id[row] for row in rows]
        self.fraud += [labels[batch.transaction_id[row]] for row in rows]


def gather(advances: Iterable[tuple[Advance, int]], split: Split, labels: Mapping[str, bool]) -> Sample:
    """Keep the windows of a split.

    Args:
        advances: what the events did to the state, and how many records were rejected.
        split: days of event time.
        labels: whether a transaction was fraud, by its id.

    Raises:
        ArchiveError: no labelled payment is left to train or to test, or the test knows one kind only.
    """
    train, test, frauds = _Part(), _Part(), _Frauds()
    rejected = unlabelled = 0
    first, last = np.iinfo(np.int64).max, 0
    for advance, faults in advances:
        rejected += faults
        times = advance.batch.timestamp
        if len(times):
            first, last = min(first, int(times.min())), max(last, int(times.max()))
        labelled = np.array([name in labels for name in advance.batch.transaction_id], np.bool_)
        frauds.add(advance, labels)
        for part, within in ((train, split.trains(times)), (test, split.tests(times))):
            part.add(advance, np.flatnonzero(within & labelled), labels)
            unlabelled += int((within & ~labelled).sum())
    for what, part, start, end in (
        ("train", train, split.train_start, split.train_end),
        ("test", test, split.test_start, split.test_end),
    ):
        if not part.fraud:
            span = f"the data run from {time_text(first)} to {time_text(last)}" if last else "there are no payments"
            raise ArchiveError(
                f"no labelled payment stands between {time_text(start)} and {time_text(end)}, to {what}: {span}"
            )
    return _sample(train, test, frauds, split, unlabelled=unlabelled, rejected=rejected)


class _Frauds:
    """When and on which cards fraud happened."""

    def __init__(self) -> None:
        self.times: list[int] = []
        self.cards: list[str] = []

    def add(self, advance: Advance, labels: Mapping[str, bool]) -> None:
        batch = advance.batch
        rows = [row for row, name in enumerate(batch.transaction_id) if labels.get(name)]
        self.times += batch.timestamp[rows].tolist()
        self.cards += [batch.user_id[row] for row in rows]


def _sample(train: _Part, test: _Part, frauds: _Frauds, split: Split, *, unlabelled: int, rejected: int) -> Sample:
    _, numbers = np.unique([*test.cards, *frauds.cards], return_inverse=True)
    card, fraud_card = numbers[: len(test.cards)].astype(np.int64), numbers[len(test.cards) :].astype(np.int64)
    times = np.concatenate(test.times)
    known = split.known_cards(times, card, np.array(frauds.times, np.int64), fraud_card)
    order = _oldest_first(times, ~known)
    fraud = np.array(test.fraud, np.bool_)[order]
    if fraud.all() or not fraud.any():
        raise ArchiveError(
            f"{int(fraud.sum())} of {len(fraud)} payments of the test are fraud: give days with both kinds"
        )
    past = np.concatenate(train.times)
    learnt = _oldest_first(past, np.ones(len(past), np.bool_))
    return Sample(
        train=Windows.concatenate(train.windows).rows(learnt),
        train_fraud=np.array(train.fraud, np.bool_)[learnt],
        test=Windows.concatenate(test.windows).rows(order),
        truth=Truth(split.test_day(times[order]), card[order], fraud, np.concatenate(test.amounts)[order]),
        known=int(known.sum()),
        unlabelled=unlabelled,
        rejected=rejected,
    )


def _oldest_first(times: NDArray[np.int64], kept: Mask) -> NDArray[np.intp]:
    order = np.argsort(times, kind="stable")
    return order[kept[order]]
