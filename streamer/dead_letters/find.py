"""One record of the dead-letter topic, and what the rest of the topic says about it."""

from dataclasses import dataclass

from streamer.dead_letters.ledger import status_of
from streamer.dead_letters.letter import REDRIVEN_AT, Letter, Position, read_entry
from streamer.dead_letters.status import Status
from streamer.events.record import Record
from streamer.transport.base import Source

_POLL_S = 0.1
_POLL_RECORDS = 2_000


@dataclass(frozen=True, slots=True)
class Found:
    """A record of the dead-letter topic.

    Attributes:
        record: all of it.
        letter: what it says; None for marks and foreign records.
        mark: the record that says that it was redriven, if any.
    """

    record: Record
    letter: Letter | None
    mark: Record | None

    @property
    def status(self) -> Status | None:
        """Tell what became of the letter; None where it is none."""
        return None if self.letter is None else status_of(self.letter, redriven=self.mark is not None)

    @property
    def redriven_at(self) -> str | None:
        """Tell when it was redriven; None where it was not."""
        if self.mark is None:
            return None
        return dict(self.mark.headers).get(REDRIVEN_AT, b"").decode("utf-8", "backslashreplace")


def find(source: Source, position: Position) -> Found | None:
    """Read the dead-letter topic to its end, for a mark may stand anywhere behind its letter.

    Returns:
        What is at the position; None where there is nothing.

    Raises:
        StreamerError: reading cannot go on.
    """
    record = mark = None
    while records := source.poll(timeout_s=_POLL_S, max_records=_POLL_RECORDS):
        for each in records:
            if position == (each.partition, each.offset):
                record = each
            elif read_entry(each) == position:
                mark = each
    if record is None:
        return None
    entry = read_entry(record)
    return Found(record, entry if isinstance(entry, Letter) else None, mark)
