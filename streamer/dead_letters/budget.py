"""How many records may be no transactions, before the input as a whole must be wrong."""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import floor

from streamer.errors import DeadLetterBudgetExceeded
from streamer.events.decode import Rejected
from streamer.settings import DeadLetterSettings

WINDOW_S = 60
# Field names may come from the records themselves: their number must not grow with the input.
_KINDS = 50
_OTHER_FIELDS = "…"
_SHOWN = 60


@dataclass(slots=True)
class _Second:
    number: int
    received: int = 0
    rejected: int = 0
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)


class DeadLetterBudget:
    """Counts what was received and rejected in the last minute, second by second."""

    def __init__(self, settings: DeadLetterSettings) -> None:
        """Begin with an empty minute."""
        self._settings = settings
        self._seconds: deque[_Second] = deque()
        self._received = 0
        self._rejected = 0

    def note(self, now_s: float, received: int, rejected: Sequence[Rejected]) -> None:
        """Count records that are about to be delivered.

        Args:
            now_s: seconds on a scale that never goes back.
            received: all records, the rejected ones included.
            rejected: those that are to become dead letters.

        Raises:
            DeadLetterBudgetExceeded: with them, the minute has too many; deliver nothing of them.
        """
        second = self._second(floor(now_s))
        second.received += received
        self._received += received
        if not rejected:
            return
        second.rejected += len(rejected)
        self._rejected += len(rejected)
        for each in rejected:
            kind = (each.error.reason.value, each.error.field[:_SHOWN])
            known = kind in second.kinds or len(second.kinds) < _KINDS
            second.kinds[kind if known else (kind[0], _OTHER_FIELDS)] += 1
        broken = self._broken_rule()
        if broken:
            raise DeadLetterBudgetExceeded(self._explain(broken, rejected[0]))

    def _second(self, number: int) -> _Second:
        if not self._seconds or self._seconds[-1].number < number:
            self._seconds.append(_Second(number))
            while self._seconds[0].number <= number - WINDOW_S:
                old = self._seconds.popleft()
                self._received -= old.received
                self._rejected -= old.rejected
        return self._seconds[-1]

    def _broken_rule(self) -> str | None:
        limits = self._settings
        if self._rejected > limits.max_per_minute:
            return f"dead_letters.max_per_minute allows {limits.max_per_minute:,}"
        share = self._rejected / max(self._received, 1)
        if self._rejected >= limits.min_records and share > limits.max_share:
            return f"dead_letters.max_share allows {limits.max_share:.1%}"
        return None

    def _explain(self, broken: str, example: Rejected) -> str:
        kinds: Counter[tuple[str, str]] = Counter()
        for second in self._seconds:
            kinds.update(second.kinds)
        ((reason, name), count) = kinds.most_common(1)[0]
        place = f" in field {name!r}" if name else ""
        record = example.record
        return (
            f"{self._rejected:,} of the {self._received:,} records of the last minute cannot be judged "
            f"({self._rejected / max(self._received, 1):.1%}), and {broken}. "
            f"Most frequent: {reason}{place} ({count:,}); one example: "
            f"{record.topic}/{record.partition}@{record.offset}. "
            "These last records were neither published nor committed, so none is lost: correct the producer or its "
            "mapping and start the worker again. If it shall go past them, raise dead_letters.max_share or "
            "dead_letters.max_per_minute; they then become dead letters, which `streamer dlq` lists and redrives."
        )
