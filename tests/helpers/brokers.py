"""The brokers that contracts are tested on, behind one face."""

import time
import uuid
from typing import Protocol

import kafka

from streamer.settings import KafkaSettings
from streamer.transport.base import Consumer, Producer, TransactionalProducer
from streamer.transport.clients import clients_of
from streamer.transport.kafka import create_topics
from streamer.transport.kafka_client import connect
from streamer.transport.memory import MemoryBroker, MemoryProducer, MemoryTransactionalProducer
from tests.helpers.transport import PATIENCE_S


class Broker(Protocol):
    """Makes topics and clients."""

    def topic(self, partitions: int) -> str:
        """Create a topic of one's own."""
        ...

    def make_anew(self, topic: str, partitions: int) -> None:
        """Delete a topic and create another of its name."""
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

    def make_anew(self, topic: str, partitions: int) -> None:
        self.memory.delete_topic(topic)
        self.memory.create_topics({topic: partitions})

    def consumer(self, group: str) -> Consumer:
        return self.memory.consumer(group)

    def producer(self) -> Producer:
        return MemoryProducer(self.memory)

    def transactional(self, transactional_id: str) -> TransactionalProducer:
        return MemoryTransactionalProducer(self.memory, transactional_id)


class RealKafka:
    """A running Kafka, by the client library that the settings name."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._clients = clients_of(settings)
        self._settings = settings

    def topic(self, partitions: int) -> str:
        name = f"topic-{uuid.uuid4().hex[:12]}"
        create_topics(self._settings, {name: partitions})
        return name

    def make_anew(self, topic: str, partitions: int) -> None:
        admin, loop = connect(kafka.KafkaAdminClient, self._settings)
        try:
            admin.delete_topics([topic])
        finally:
            admin.close()
            loop.close()
        deadline = time.monotonic() + PATIENCE_S
        while not create_topics(self._settings, {topic: partitions}):  # the old one is still there
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def consumer(self, group: str) -> Consumer:
        return self._clients.consumer(self._settings.model_copy(update={"group_id": group}))

    def producer(self) -> Producer:
        return self._clients.producer(self._settings)

    def transactional(self, transactional_id: str) -> TransactionalProducer:
        return self._clients.transactional(self._settings, transactional_id)
