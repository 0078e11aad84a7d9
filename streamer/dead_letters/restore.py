"""A letter made into the record it was, and the mark that says so; or why it must not be."""

from dataclasses import dataclass
from enum import StrEnum

from streamer.alerts.dead_letter import ORIGINAL
from streamer.alerts.texts import time_text
from streamer.dead_letters.letter import REDRIVE_COUNT, REDRIVE_OF, REDRIVEN_AT, WORKER_VERSION, Letter
from streamer.errors import RejectReason
from streamer.events.record import Message, Record

_OURS = frozenset({REDRIVE_OF, REDRIVE_COUNT, REDRIVEN_AT})


class Refusal(StrEnum):
    """Why a letter is not redriven; the text says what it means."""

    TRUNCATED = "truncated: key, headers or value were cut to fit"
    ATTEMPTS = "redriven before, as often as --max-attempts allows"
    ORIGIN = "read from a topic other than topics.transactions; name a target by --to"
    COUNTED = "unscorable: it counts in its user's history and would be a repeat; judge it by `streamer replay`"
    TOO_LARGE = "larger than kafka.max_message_bytes"


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be redriven and where to.

    Attributes:
        home: the topic that letters go back to, if they came from it.
        to: the topic that all letters go to instead, if any.
        max_attempts: how often a record may be redriven.
    """

    home: str
    to: str | None
    max_attempts: int

    @property
    def target(self) -> str:
        """Return the topic that is written."""
        return self.to or self.home

    def refusal(self, letter: Letter) -> Refusal | None:
        """Tell why a letter must not be redriven; None where it may."""
        if letter.truncated:
            return Refusal.TRUNCATED
        if letter.redrives >= self.max_attempts:
            return Refusal.ATTEMPTS
        if self.to is None and letter.origin_topic != self.home:
            return Refusal.ORIGIN
        if self.to is None and letter.reason == RejectReason.UNSCORABLE:
            return Refusal.COUNTED
        return None


def restored(record: Record, letter: Letter, target: str, *, now_ms: int) -> Message:
    """Return the record that a letter was made of, with the provenance of its redrive.

    A tombstone comes back as the empty value it is in its letter, lest it deletes something.
    """
    originals = tuple(
        (name.removeprefix(ORIGINAL), value) for name, value in record.headers if name.startswith(ORIGINAL)
    )
    own = (
        (REDRIVE_COUNT, str(letter.redrives + 1).encode()),
        (REDRIVE_OF, f"{record.topic}/{letter.position}".encode()),
        (REDRIVEN_AT, time_text(now_ms).encode()),
    )
    kept = tuple((name, value) for name, value in originals if name not in _OURS)
    return Message(target, record.key, record.value or b"", kept + own)


def mark(record: Record, letter: Letter, *, version: str, now_ms: int) -> Message:
    """Return the record that says of a letter that it is done.

    It has the letter's key and so its partition: retention, which takes the oldest first, never
    takes the mark before the letter.
    """
    headers = (
        (REDRIVE_OF, str(letter.position).encode()),
        (REDRIVEN_AT, time_text(now_ms).encode()),
        (WORKER_VERSION, version.encode()),
    )
    return Message(record.topic, record.key, b"", headers)
