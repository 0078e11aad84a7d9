"""Alerts against the truth that only a simulator knows.

An episode is one fraud on one user: a burst of payments counts once. It is caught when any of
its payments was alerted. An alert is right when its payment belongs to an episode.
"""

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Score:
    """Where things stand.

    Attributes:
        alerts: alerts on the payments under test.
        right: those of them on fraud.
        episodes: frauds that are over.
        caught: those of them with at least one alert.
        by_kind: for each kind of fraud, (caught, episodes).
    """

    alerts: int
    right: int
    episodes: int
    caught: int
    by_kind: dict[str, tuple[int, int]]

    @property
    def precision(self) -> float | None:
        """Share of alerts that are right; None before the first alert."""
        return self.right / self.alerts if self.alerts else None

    @property
    def recall(self) -> float | None:
        """Share of episodes that were caught; None before the first is over."""
        return self.caught / self.episodes if self.episodes else None


class Scoreboard:
    """Keeps the truth of produced payments and matches alerts with it."""

    def __init__(self) -> None:
        """Start with nothing produced."""
        self._episode: dict[str, str] = {}
        self._kind: dict[str, str] = {}
        self._last: dict[str, int] = {}
        self._tested: set[str] = set()
        self._alerted: set[str] = set()
        self._caught: set[str] = set()
        self._right = 0

    def produced(self, transaction_id: str, number: int, *, kind: str | None, episode: str | None) -> None:
        """Note a payment under test before it is sent.

        Args:
            transaction_id: the payment.
            number: its place among all payments under test.
            kind: kind of fraud; None for an honest payment.
            episode: the fraud it belongs to; None for an honest payment.
        """
        self._tested.add(transaction_id)
        if episode is not None and kind is not None:
            self._episode[transaction_id] = episode
            self._kind[episode] = kind
            self._last[episode] = number

    def is_fraud(self, transaction_id: str) -> bool:
        """Tell whether a payment under test is fraud."""
        return transaction_id in self._episode

    def alerted(self, transaction_id: str) -> bool:
        """Note an alert; return whether it counts: its payment is under test and not alerted before."""
        if transaction_id not in self._tested or transaction_id in self._alerted:
            return False
        self._alerted.add(transaction_id)
        episode = self._episode.get(transaction_id)
        if episode is not None:
            self._right += 1
            self._caught.add(episode)
        return True

    def score(self, *, judged: int) -> Score:
        """Return the score, given that the first `judged` payments under test were judged.

        An episode that still runs counts neither as caught nor as missed.
        """
        over = [episode for episode, last in self._last.items() if last < judged]
        totals = Counter(self._kind[episode] for episode in over)
        caught = Counter(self._kind[episode] for episode in over if episode in self._caught)
        return Score(
            alerts=len(self._alerted),
            right=self._right,
            episodes=len(over),
            caught=caught.total(),
            by_kind={kind: (caught[kind], total) for kind, total in sorted(totals.items())},
        )
