"""Simulated payments as records of two partitions."""

from functools import cache
from itertools import islice

from streamer.events.record import Record
from streamer.simulate.event import encode
from streamer.simulate.stream import simulate
from tests.conftest import SMALL_WORLD

TOPIC = "transactions"
FIRST_DAY = 20
"""The days before it train the bundle."""


@cache
def payments(count: int) -> tuple[Record, ...]:
    """Return payments of two partitions, those of one adjacent and in offset order."""
    events = islice(simulate(SMALL_WORLD, range(FIRST_DAY, FIRST_DAY + 30)), count)
    shares: tuple[list[Record], list[Record]] = ([], [])
    for event in events:
        user = str(event.transaction.user_id)
        number = sum(user.encode()) % 2
        share = shares[number]
        share.append(Record(TOPIC, number, 10 * len(share), user.encode(), encode(event.transaction)))
    return (*shares[0], *shares[1])
