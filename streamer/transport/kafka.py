"""The transport over a Kafka cluster, by kafka-python."""

from streamer.transport.kafka_admin import (
    ClusterFacts,
    committed_offsets,
    create_topics,
    log_begins,
    log_ends,
    missing_topics,
    probe,
    require_topics,
)
from streamer.transport.kafka_consumer import KafkaConsumer
from streamer.transport.kafka_producer import KafkaProducer
from streamer.transport.kafka_transactions import KafkaTransactionalProducer

__all__ = [
    "ClusterFacts",
    "KafkaConsumer",
    "KafkaProducer",
    "KafkaTransactionalProducer",
    "committed_offsets",
    "create_topics",
    "log_begins",
    "log_ends",
    "missing_topics",
    "probe",
    "require_topics",
]
