"""Which days train, which only wait for labels, which test; and who is known by then."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from streamer.errors import SettingsError

DAY_MS = 86_400_000

Times = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Split:
    """Days of event time, UTC: `train_days`, then `delay_days`, then `test_days`.

    Attributes:
        train_start: first millisecond, since the epoch.
        train_days: days that models learn from.
        delay_days: how long a label takes to arrive; these days neither train nor test.
        test_days: days that are judged.
    """

    train_start: int
    train_days: int
    delay_days: int
    test_days: int

    @classmethod
    def from_date(cls, text: str, *, train_days: int, delay_days: int, test_days: int) -> "Split":
        """Begin at midnight UTC of a date such as 2018-07-25.

        Raises:
            SettingsError: it is no date, or there is no day to train or to test.
        """
        try:
            start = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            raise SettingsError(f"--train-start {text!r} is no date: write it as 2025-01-31") from None
        if train_days < 1 or test_days < 1 or delay_days < 0:
            raise SettingsError(
                f"{train_days} days of training, {delay_days} of delay and {test_days} of test: "
                "choose at least 1, 0 and 1"
            )
        return cls(int(start.timestamp()) * 1000, train_days, delay_days, test_days)

    @property
    def train_end(self) -> int:
        """First millisecond after training."""
        return self.train_start + self.train_days * DAY_MS

    @property
    def test_start(self) -> int:
        """First millisecond of the test."""
        return self.train_end + self.delay_days * DAY_MS

    @property
    def test_end(self) -> int:
        """First millisecond after the test."""
        return self.test_start + self.test_days * DAY_MS

    def trains(self, timestamp: Times) -> Mask:
        """Return which of (N,) event times stand in the days of training."""
        return (timestamp >= self.train_start) & (timestamp < self.train_end)

    def tests(self, timestamp: Times) -> Mask:
        """Return which of (N,) event times stand in the days of the test."""
        return (timestamp >= self.test_start) & (timestamp < self.test_end)

    def test_day(self, timestamp: Times) -> NDArray[np.int64]:
        """Return the number of the test day, from 0, of (N,) event times of the test."""
        return (timestamp - self.test_start) // DAY_MS

    def known_cards(self, timestamp: Times, card: Times, fraud_timestamp: Times, fraud_card: Times) -> Mask:
        """Return which payments of the test are of cards that are known to be defrauded by then.

        A fraud is known after the delay, on the day after: on a test day those that happened
        before its midnight minus the delay, counted from the start of training. Such cards are
        blocked; to find them again is no merit.

        Args:
            timestamp: (N,) of payments of the test.
            card: (N,) their cards.
            fraud_timestamp: (M,) of frauds, of any time.
            fraud_card: (M,) their cards.
        """
        counted = fraud_timestamp >= self.train_start
        cards, place = np.unique(fraud_card[counted], return_inverse=True)
        first = np.full(len(cards), np.iinfo(np.int64).max)
        np.minimum.at(first, place, fraud_timestamp[counted])
        if not len(cards):
            return np.zeros(len(card), np.bool_)
        found = np.searchsorted(cards, card).clip(max=len(cards) - 1)
        midnight = self.test_start + self.test_day(timestamp) * DAY_MS
        return np.asarray((cards[found] == card) & (first[found] < midnight - self.delay_days * DAY_MS))
