"""Whether producers key records as they should: only then all payments of a user share a partition."""

from streamer.events.event import EventBatch


def key_mismatches(batch: EventBatch) -> int:
    """Count the events whose record key is not their user id as UTF-8; a missing key is none."""
    return sum(record.key != user_id.encode() for record, user_id in zip(batch.records, batch.user_id, strict=True))
