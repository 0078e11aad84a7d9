"""Which judged events become alerts: the threshold, and the hiding of repeats.

After an alert, the user's further ones of no higher level are hidden for a while of event
time, before and after it: late events belong to the same episode. What was hidden is counted
and told by the user's next alert. Users belong to partitions, so each partition has a policy.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamer.alerts.contract import RiskLevel
from streamer.alerts.scale import risk_level, severity, threshold_tail
from streamer.events.event import EventBatch
from streamer.settings import AlertSettings

MOST_USERS = 100_000

Episode = tuple[str, int, RiskLevel, int]
"""User id, time of the newest alert in milliseconds, its level, repeats hidden since."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One event that becomes an alert.

    Attributes:
        row: its row in the batch.
        risk: its tail.
        level: its level, elevated or above.
        hidden: alerts of this user that were hidden since the previous one.
        until: event time in milliseconds before which repeats are hidden.
    """

    row: int
    risk: float
    level: RiskLevel
    hidden: int
    until: int


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a batch leads to: the alerts in order, and how many repeats were hidden."""

    raised: tuple[Verdict, ...]
    hidden: int


class Policy:
    """Remembers who was alerted; the least recently alerted users go first."""

    def __init__(self, settings: AlertSettings, *, most_users: int = MOST_USERS) -> None:
        """Start with nobody alerted.

        Args:
            settings: budget and time of hiding.
            most_users: how many users' latest alerts are remembered.
        """
        self.threshold = threshold_tail(settings.alerts_per_million)
        self._hide_ms = round(settings.suppress_s * 1000)
        self._most_users = most_users
        # No OrderedDict: copying one for a snapshot takes ten times as long, while records wait.
        self._episodes: dict[str, tuple[int, RiskLevel, int]] = {}

    def decide(self, batch: EventBatch, risk: NDArray[np.floating]) -> Verdicts:
        """Decide on judged events in log order; N at once are N one by one.

        Args:
            batch: B events of this partition.
            risk: (B,) tails.
        """
        tails = np.asarray(risk, np.float64)
        raised = []
        rows = np.flatnonzero(tails >= self.threshold).tolist()
        for row in rows:
            verdict = self._decide(row, batch.user_id[row], int(batch.timestamp[row]), float(tails[row]))
            if verdict is not None:
                raised.append(verdict)
        return Verdicts(tuple(raised), hidden=len(rows) - len(raised))

    def export(self) -> list[Episode]:
        """Return what is remembered, the least recently alerted user first."""
        return list(self.freeze())

    def freeze(self) -> Iterator[Episode]:
        """Copy now, quickly, what is remembered; what is returned gives `export`'s items later."""
        users, episodes = list(self._episodes), list(self._episodes.values())
        return ((user, *episode) for user, episode in zip(users, episodes, strict=True))

    def restore(self, episodes: Iterable[Episode]) -> None:
        """Replace what is remembered by what `export` gave."""
        self._episodes = {user: (since, level, hidden) for user, since, level, hidden in episodes}
        self._forget()

    def _decide(self, row: int, user: str, time: int, tail: float) -> Verdict | None:
        level = risk_level(tail, self.threshold)
        since, known_level, hidden = self._episodes.pop(user, (time, "low", 0))
        near = abs(time - since) < self._hide_ms
        if near and severity(level) <= severity(known_level):
            self._remember(user, since, known_level, hidden + 1)
            return None
        far_behind = time < since and not near
        since = max(since, time)
        self._remember(user, since, known_level if far_behind else level, 0)
        return Verdict(row, tail, level, hidden, until=since + self._hide_ms)

    def _remember(self, user: str, since: int, level: RiskLevel, hidden: int) -> None:
        self._episodes[user] = (since, level, hidden)
        self._forget()

    def _forget(self) -> None:
        while len(self._episodes) > self._most_users:
            del self._episodes[next(iter(self._episodes))]
