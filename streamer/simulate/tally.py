"""Counts what a simulation yields, on its way to wherever it goes."""

from collections import Counter
from collections.abc import Iterable, Iterator

from streamer.simulate.config import FraudKind
from streamer.simulate.event import SimulatedEvent


class Tally:
    """Numbers of events and frauds so far.

    Attributes:
        events: all events.
        fraud: fraudulent events by kind.
        episodes: fraud bursts by kind.
    """

    def __init__(self) -> None:
        """Start at nothing."""
        self.events = 0
        self.fraud: Counter[FraudKind] = Counter()
        self._episodes: dict[FraudKind, set[str]] = {}

    def watch(self, events: Iterable[SimulatedEvent]) -> Iterator[SimulatedEvent]:
        """Pass events on and count them."""
        for event in events:
            self.events += 1
            if event.fraud is not None and event.episode is not None:
                self.fraud[event.fraud] += 1
                self._episodes.setdefault(event.fraud, set()).add(event.episode)
            yield event

    @property
    def episodes(self) -> dict[FraudKind, int]:
        """Count the bursts of each kind."""
        return {kind: len(names) for kind, names in self._episodes.items()}
