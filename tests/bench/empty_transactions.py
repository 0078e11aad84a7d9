"""What a transaction costs that holds no message: the least that exactly once can take on this broker."""

import time
from collections.abc import Iterator

from streamer.events.record import TopicPartition
from streamer.settings import KafkaSettings
from streamer.transport.base import Rebalance
from streamer.transport.kafka import KafkaConsumer, KafkaTransactionalProducer
from tests.bench.timing import Measurement, percentile
from tests.helpers.worker import PATIENCE_S, Topics

_COUNT = 100
_WARM_UP = 10


def committing(bootstrap: str) -> Iterator[Measurement]:
    """Commit a group's offset alone, again and again."""
    topics = Topics(bootstrap).create(1)
    settings = KafkaSettings(bootstrap_servers=bootstrap, group_id=topics.name)
    consumer, producer = KafkaConsumer(settings), KafkaTransactionalProducer(settings, topics.name)
    assigned: list[TopicPartition] = []
    took = []
    try:
        consumer.subscribe([topics.transactions], Rebalance(assigned.extend, _ignore, _ignore))
        deadline = time.monotonic() + PATIENCE_S
        while not assigned and time.monotonic() < deadline:
            consumer.poll(timeout_s=0.2, max_records=1)
        producer.renew()
        for offset in range(_COUNT + _WARM_UP):
            begin = time.perf_counter()
            producer.transact([], {assigned[0]: offset}, consumer.membership(), timeout_s=PATIENCE_S)
            took.append((time.perf_counter() - begin) * 1e3)
    finally:
        producer.close()
        consumer.close()
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        value = percentile(took[_WARM_UP:], share)
        yield Measurement("latency", f"transaction of an offset alone, {name}", "ms", (value,))


def _ignore(_: object) -> None:
    """A group of one loses nothing."""
