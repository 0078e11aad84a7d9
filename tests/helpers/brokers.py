"""The brokers that contracts are tested on, behind one face."""

import time
import uuid
from typing import Protocol

from streamer.settings import KafkaSettings
from streamer.transport.base import Consumer, Producer, TransactionalProducer
from streamer.transport.kafka import KafkaConsumer, KafkaProducer, KafkaTransactionalProducer, create_topics
from streamer.transport.memory import MemoryBroker, MemoryProducer, MemoryTransactionalProducer


class Broker(Protocol):
    """Makes topics and clients."""

    def topic(self, partitions: int) -> str:
        """Create a topic of one's own."""
        ...

    def consumer(self, group: str) -> Consumer:
        """Make a consumer that starts at the beginning of topics."""
        ...

    def producer(self) -> Producer:
        """Make a producer."""
        ...

    def transactional(self, transactional_id: str) -> TransactionalProducer:
        """Make a transactional producer, not yet begun."""
        ...


class InMemory:
    """The broker within the process."""

    def __init__(self) -> None:
        self.memory = MemoryBroker({}, now_ms=lambda: time.time_ns() // 1_000_000)

    def topic(self, partitions: int) -> str:
        name = f"topic-{uuid.uuid4().hex[:12]}"
        self.memory.create_topics({name: partitions})
        return name

    def consumer(self, group: str) -> Consumer:
        return self.memory.consumer(group)

    def producer(self) -> Producer:
        return MemoryProducer(self.memory)

    def transactional(self, transactional_id: str) -> TransactionalProducer:
        return MemoryTransactionalProducer(self.memory, transactional_id)


class RealKafka:
    """A running Kafka."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings

    def topic(self, partitions: int) -> str:
        name = f"topic-{uuid.uuid4().hex[:12]}"
        create_topics(self._settings, {name: partitions})
        return name

    def consumer(self, group: str) -> Consumer:
        return KafkaConsumer(self._settings.model_copy(update={"group_id": group}))

    def producer(self) -> Producer:
        return KafkaProducer(self._settings)

    def transactional(self, transactional_id: str) -> TransactionalProducer:
        return KafkaTransactionalProducer(self._settings, transactional_id)
