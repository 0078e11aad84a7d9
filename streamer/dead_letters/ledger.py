"""The dead-letter topic as its own ledger: letters, and marks that say which were redriven."""

from collections.abc import Callable
from dataclasses import dataclass, field

from streamer.dead_letters.letter import Letter, Position, read_entry
from streamer.dead_letters.status import Status
from streamer.transport.base import Source

_POLL_S = 0.1
_POLL_RECORDS = 2_000
_EXAMPLES = 5


def status_of(letter: Letter, *, redriven: bool) -> Status:
    """Tell what became of a letter."""
    if redriven:
        return Status.REDRIVEN
    if letter.truncated:
        return Status.TRUNCATED
    return Status.AGAIN if letter.redrives else Status.OPEN


@dataclass(slots=True)
class Ledger:
    """What was found in the topic, without the values.

    Attributes:
        letters: those that were wanted, in the order read: by offset within a partition.
        redriven: the letters that a mark says are done, wanted or not.
        foreign: how many records are neither letters nor marks.
        foreign_examples: where the first of those are.
    """

    letters: list[Letter] = field(default_factory=list)
    redriven: set[Position] = field(default_factory=set)
    foreign: int = 0
    foreign_examples: list[Position] = field(default_factory=list)

    def status(self, letter: Letter) -> Status:
        """Tell what became of a letter."""
        return status_of(letter, redriven=letter.position in self.redriven)

    def with_status(self, wanted: frozenset[Status]) -> list[Letter]:
        """Select letters; an empty set selects all."""
        return [letter for letter in self.letters if not wanted or self.status(letter) in wanted]


def read_ledger(source: Source, wanted: Callable[[Letter], bool]) -> Ledger:
    """Read the dead-letter topic to its end.

    Args:
        source: the topic, from its beginning.
        wanted: chooses the letters that are kept.

    Raises:
        StreamerError: reading cannot go on.
    """
    ledger = Ledger()
    while records := source.poll(timeout_s=_POLL_S, max_records=_POLL_RECORDS):
        for record in records:
            entry = read_entry(record)
            if isinstance(entry, Position):
                ledger.redriven.add(entry)
            elif entry is None:
                ledger.foreign += 1
                if len(ledger.foreign_examples) < _EXAMPLES:
                    ledger.foreign_examples.append(Position(record.partition, record.offset))
            elif wanted(entry):
                ledger.letters.append(entry)
    return ledger
