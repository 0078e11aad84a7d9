"""Whether producers key records as they should: only then all payments of a user share a partition."""

from operator import ne

from streamer.events.event import EventBatch


def key_mismatches(batch: EventBatch) -> int:
    """Count the events whose record key is not their user id as UTF-8; a missing key is none."""
    keys = [record.key or b"" for record in batch.records]
    # User ids hold no zero, so the whole is equal only if each of them is.
    if b"\0".join(keys) == "\0".join(batch.user_id).encode():
        return 0
    return sum(map(ne, keys, map(str.encode, batch.user_id)))
