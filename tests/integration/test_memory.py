"""A worker's memory does not grow with the traffic: an hour of it, with evictions and rebalances.

What Python and NumPy hold is counted, not the process: that also grows and shrinks by what other
tests left in its heap.
"""

import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np

from streamer.bundles import open_bundle
from streamer.clock import ManualClock
from streamer.events.record import Message, TopicPartition
from streamer.settings import load
from streamer.transport.memory import MemoryBroker
from tests.helpers.lives import NOW_MS, Life, offsets_committed
from tests.helpers.small_bundles import small_bundle

PARTITIONS = 2
PAYMENTS = 216_000
"""An hour at sixty a second."""
USERS, MERCHANTS = 20_000, 2_000
PARTS = 12
"""After each the second worker joins or leaves; the first third fills caches and all rows of state."""
MOST_BYTES_A_PAYMENT = 8
"""What one payment may leave behind: less than a reference to it."""

SETTINGS = {
    "worker.poll_timeout_s": "0.001",
    "worker.max_poll_records": "1000",
    "state.users": "2000",
    "state.merchants": "200",
    "state.transaction_ids": "4000",
    # None at all: the broker is in this process and would keep them.
    "alerts.alerts_per_million": "1e-30",
    "snapshots.interval_s": "60",
}


def test_memory_stays_level_through_evictions_and_rebalances(tmp_path: Path) -> None:
    chosen = load(None, {**SETTINGS, "snapshots.url": str(tmp_path / "snapshots")})
    topics, clock = chosen.topics, ManualClock(NOW_MS / 1000)
    bundle = open_bundle(small_bundle(tmp_path / "bundle", "1"))
    broker = MemoryBroker(
        {topics.transactions: PARTITIONS, topics.alerts: 1, topics.dead_letters: 1}, now_ms=lambda: NOW_MS
    )
    produce_payments(broker, topics.transactions)
    places = [TopicPartition(topics.transactions, number) for number in range(PARTITIONS)]
    lives = [Life(broker, chosen, bundle, clock, "first")]
    sizes = []
    with traced():
        for part in range(1, PARTS + 1):
            while offsets_committed(broker, chosen, places) < PAYMENTS * part // PARTS:
                for life in lives:
                    assert life.turn()
                clock.advance(1.0)
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
            if len(lives) == 1:
                lives.append(Life(broker, chosen, bundle, clock, "second"))
            else:
                lives.pop().stop()
    # Like with like: with one worker, or with two.
    for alone in (0, 1):
        early, late = sizes[alone : PARTS // 3 : 2], sizes[PARTS // 3 + alone :: 2]
        assert max(late) - max(early) < MOST_BYTES_A_PAYMENT * PAYMENTS * 2 // 3, sizes
    assert (lives[0].value("streamer_evictions_total", kind="user") or 0) > USERS


@contextmanager
def traced() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


def produce_payments(broker: MemoryBroker, topic: str) -> None:
    rng = np.random.default_rng(1)
    users, merchants = rng.integers(USERS, size=PAYMENTS), rng.integers(MERCHANTS, size=PAYMENTS)
    amounts = np.round(rng.lognormal(3.0, 1.0, PAYMENTS), 2)
    producer = broker.producer()
    columns = zip(users.tolist(), merchants.tolist(), amounts.tolist(), strict=True)
    for number, (user, merchant, amount) in enumerate(columns):
        payment = {
            "transaction_id": f"t{number}",
            "user_id": f"u{user}",
            "amount": amount,
            "timestamp": NOW_MS - 3_600_000 + number * 3_600_000 // PAYMENTS,
            "merchant_id": f"m{merchant}",
        }
        producer.send(Message(topic, f"u{user}".encode(), msgspec.json.encode(payment)))
    producer.flush(timeout_s=1)
