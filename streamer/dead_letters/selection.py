"""Which letters a command is about."""

from dataclasses import dataclass

from streamer.dead_letters.letter import Letter
from streamer.dead_letters.status import Status


@dataclass(frozen=True, slots=True)
class Selection:
    """Filters that must all hold; empty or None ones hold always.

    Attributes:
        reasons: any of them.
        field: the offending field.
        origin_topic: where the record was read.
        since_ms: written then or later, milliseconds since the epoch.
        until_ms: written before then.
        statuses: any of them; known only once the whole ledger is read.
    """

    reasons: frozenset[str] = frozenset()
    field: str | None = None
    origin_topic: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    statuses: frozenset[Status] = frozenset()

    def wants(self, letter: Letter) -> bool:
        """Tell whether all filters but that of the status hold."""
        return (
            (not self.reasons or letter.reason in self.reasons)
            and self.field in {None, letter.field}
            and self.origin_topic in {None, letter.origin_topic}
            and (self.since_ms is None or letter.timestamp >= self.since_ms)
            and (self.until_ms is None or letter.timestamp < self.until_ms)
        )
