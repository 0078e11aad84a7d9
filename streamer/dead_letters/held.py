"""Which positions of the dead-letter topic hold anything."""

from collections.abc import Mapping

from streamer.dead_letters.letter import Position
from streamer.events.record import TopicPartition


def why_nothing_is_at(
    position: Position, begins: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int], *, topic: str
) -> str | None:
    """Tell why a position cannot hold a record, and which ones may; None where it may.

    Args:
        position: what somebody looks for.
        begins: the oldest offset of each partition of the topic.
        ends: the offset that each partition's next record will get.
        topic: the dead-letter topic.
    """
    place = TopicPartition(topic, position.partition)
    if place not in ends:
        numbers = sorted(each.partition for each in ends)
        there = f"partition {numbers[0]} alone" if len(numbers) == 1 else f"partitions {numbers[0]} to {numbers[-1]}"
        return f"topic {topic!r} has no partition {position.partition}: it has {there}"
    begin, end = begins[place], ends[place]
    if begin <= position.offset < end:
        return None
    if begin == end:
        gone = f"; all {end} records it had went with the topic's retention" if end else ""
        return f"partition {position.partition} of topic {topic!r} is empty{gone}"
    older = "; older records went with the topic's retention" if position.offset < begin else ""
    return (
        f"partition {position.partition} of topic {topic!r} has no record at offset {position.offset}: "
        f"it holds {begin} to {end - 1}{older}"
    )
