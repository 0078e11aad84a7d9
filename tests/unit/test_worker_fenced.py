"""A commit that comes too late: the state is void, the loop goes on."""

import threading
from contextlib import nullcontext
from pathlib import Path

from streamer.bundles import open_bundle
from streamer.clock import SystemClock
from streamer.errors import FencedError
from streamer.events.record import Message, TopicPartition
from streamer.health import Health
from streamer.metrics import Metrics, new_registry
from streamer.pipeline import Pipeline
from streamer.settings import load
from streamer.transport.base import Rebalance
from streamer.transport.memory import MemoryBroker
from streamer.worker import Worker

VALUE = b'{"transaction_id":"t%d","user_id":"u%d","amount":1,"timestamp":%d}'
SOURCE = TopicPartition("transactions", 0)


def test_after_a_fenced_commit_evictions_are_counted_anew(bundle: Path) -> None:
    settings = load(None, {"state.users": "2", "worker.poll_timeout_s": "0.01", "worker.max_poll_records": "10"})
    broker = MemoryBroker({"transactions": 1, "alerts": 1, "dead-letters": 1}, now_ms=lambda: 1_750_000_000_000)
    consumer, producer = broker.consumer("workers"), broker.producer()
    for number in range(20):
        producer.send(Message("transactions", b"k", VALUE % (number, number, 1_700_000_000_000 + number)))
    producer.flush(timeout_s=1)
    pipeline = Pipeline(
        settings, open_bundle(bundle), worker="w", version="0", replay=False, stage=lambda _: nullcontext()
    )
    clock = SystemClock()
    worker = Worker(
        settings,
        consumer=consumer,
        producer=broker.producer(),
        pipeline=pipeline,
        metrics=Metrics(new_registry()),
        health=Health(clock, silence_s=60, stall_after_s=60),
        clock=clock,
    )
    consumer.subscribe(["transactions"], Rebalance(lambda _: None, lambda _: None, lambda _: None))
    while pipeline.partition(SOURCE).state.user_evictions == 0:
        worker.turn(threading.Event())
    commit = consumer.commit

    def fenced(offsets: object) -> None:
        raise FencedError("another member took the partition")

    consumer.commit = fenced  # type: ignore[method-assign]  # the fault comes from the broker's side
    worker.turn(threading.Event())
    consumer.commit = commit  # type: ignore[method-assign]
    assert pipeline.partition(SOURCE).state.users == 0
