"""Whether producers key records as they should: only then all payments of a user share a partition."""

from operator import ne

from streamer.events.event import EventBatch


def key_mismatches(batch: EventBatch) -> int:
    """Count the events whose record key is not their user id as UTF-8; a missing key is none."""
    keys, users = [record.key for record in batch.records], list(map(str.encode, batch.user_id))
    return 0 if keys == users else sum(map(ne, keys, users))
