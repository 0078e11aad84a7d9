"""Dead letters: what cannot be judged, with its origin and the reason, always small enough."""

from streamer.events.decode import Rejected
from streamer.events.record import Headers, Message

ORIGINAL = "x-original-"
TRUNCATED = "x-truncated"
LONGEST_DETAIL = 1_000

_PARTS = ("key", "headers", "value")
_NOTE_BYTES = len(TRUNCATED) + len(",".join(_PARTS))


def dead_letter(rejected: Rejected, topic: str, *, worker: str, version: str, max_bytes: int) -> Message:
    """Return the raw record for a topic of dead letters.

    What does not fit is cut and named in the header `x-truncated`, e.g. "headers,value": a key
    or original headers that take more than an eighth of the room each, then the end of the
    value. A tombstone has an empty value, lest it deletes something in a compacted topic.

    Args:
        rejected: the record and what is wrong with it.
        topic: where it goes.
        worker: name of this process.
        version: version of this program.
        max_bytes: largest key, value and headers together.
    """
    record = rejected.record
    own = _own_headers(rejected, worker, version)
    named = tuple((ORIGINAL + name, value) for name, value in record.headers)
    raw = record.value or b""

    kept, room = _fitting(own, max(max_bytes - _NOTE_BYTES, 0))
    share = room // 8
    key = None if record.key is None else record.key[:share]
    originals, unused = _fitting(named, share)
    value = raw[: room - len(key or b"") - (share - unused)]

    cut = (key != record.key, len(kept) < len(own) or len(originals) < len(named), value != raw)
    if any(cut) and max_bytes >= _NOTE_BYTES:
        note = ",".join(part for part, is_cut in zip(_PARTS, cut, strict=True) if is_cut)
        kept += ((TRUNCATED, note.encode()),)
    return Message(topic, key, value, kept + originals)


def _own_headers(rejected: Rejected, worker: str, version: str) -> Headers:
    record, error = rejected.record, rejected.error
    texts = {
        "x-reason": error.reason.value,
        "x-field": error.field,
        "x-origin-topic": record.topic,
        "x-origin-partition": str(record.partition),
        "x-origin-offset": str(record.offset),
        "x-origin-timestamp": str(record.timestamp),
        "x-worker": worker[:LONGEST_DETAIL],
        "x-worker-version": version[:LONGEST_DETAIL],
        "x-detail": str(error)[:LONGEST_DETAIL],
    }
    return tuple((name, text.encode()) for name, text in texts.items())


def _fitting(headers: Headers, room: int) -> tuple[Headers, int]:
    """Return the headers that fit, tried in order, and the room that is left."""
    kept = []
    for name, value in headers:
        size = len(name.encode()) + len(value)
        if size <= room:
            kept.append((name, value))
            room -= size
    return tuple(kept), room
