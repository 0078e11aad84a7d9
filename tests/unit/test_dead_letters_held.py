"""Who looks where no dead letter can be is told what is there."""

import pytest

from streamer.dead_letters.held import why_nothing_is_at
from streamer.dead_letters.letter import Position
from streamer.events.record import TopicPartition

TOPIC = "dead-letters"


def why(position: Position, *bounds: tuple[int, int]) -> str | None:
    places = [TopicPartition(TOPIC, number) for number in range(len(bounds))]
    begins, ends = ({place: bound[side] for place, bound in zip(places, bounds, strict=True)} for side in (0, 1))
    return why_nothing_is_at(position, begins, ends, topic=TOPIC)


@pytest.mark.parametrize("offset", [5, 7, 8])
def test_nothing_is_said_of_what_may_be_there(offset: int) -> None:
    assert why(Position(1, offset), (0, 0), (5, 9)) is None


@pytest.mark.parametrize(
    ("position", "told"),
    [
        (Position(3, 0), "topic 'dead-letters' has no partition 3: it has partitions 0 to 2"),
        (Position(0, 0), "partition 0 of topic 'dead-letters' is empty"),
        (Position(1, 9), "has no record at offset 9: it holds 5 to 8"),
        (Position(1, 4), "has no record at offset 4: it holds 5 to 8; older records went with the topic's retention"),
        (Position(2, 1), "partition 2 of topic 'dead-letters' is empty; all 6 records it had went"),
    ],
)
def test_a_place_that_holds_nothing_is_told_with_what_is_held(position: Position, told: str) -> None:
    said = why(position, (0, 0), (5, 9), (6, 6))
    assert said is not None
    assert told in said


def test_the_only_partition_is_named() -> None:
    assert why(Position(1, 0), (0, 4)) == "topic 'dead-letters' has no partition 1: it has partition 0 alone"
