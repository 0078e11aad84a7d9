"""The relay of rebalances remembers as whom the group gave it its partitions."""

import asyncio

from kafka import TopicPartition

from streamer.transport.kafka_client import Loop
from streamer.transport.kafka_rebalance import RebalanceRelay
from tests.helpers.transport import IGNORE

PLACES = [TopicPartition("events", number) for number in range(3)]


def test_a_new_name_in_the_group_does_not_cover_partitions_that_were_held_before() -> None:
    names = ["first"]
    relay = RebalanceRelay(IGNORE, Loop(), lambda: names[-1])
    relay.silence()
    held_as = [relay.held_as]
    asyncio.run(relay.on_partitions_assigned(PLACES[:2]))
    held_as.append(relay.held_as)

    names.append("second")
    asyncio.run(relay.on_partitions_assigned(PLACES[2:]))
    asyncio.run(relay.on_partitions_revoked(PLACES[:1]))
    held_as.append(relay.held_as)

    asyncio.run(relay.on_partitions_lost(PLACES[1:]))
    held_as.append(relay.held_as)
    asyncio.run(relay.on_partitions_assigned(PLACES[:1]))
    held_as.append(relay.held_as)
    assert held_as == [None, "first", "first", None, "second"]
