"""Bounded input of a command: an archive or a topic up to its present end."""

import uuid
from collections.abc import Mapping
from pathlib import Path

from streamer.errors import SettingsError
from streamer.events.record import TopicPartition
from streamer.settings import Settings
from streamer.transport.archive import ArchiveSource
from streamer.transport.bounded import BoundedTopic
from streamer.transport.kafka import KafkaConsumer


def open_source(
    settings: Settings, *, data: Path | None, from_topic: bool, partitions: int
) -> ArchiveSource | BoundedTopic:
    """Open what a command reads.

    Raises:
        SettingsError: neither or both sources are named.
        ArchiveError: the archive does not exist.
        TransportError: the broker or the topic cannot be read.
    """
    if (data is None) != from_topic:
        raise SettingsError("choose one source: --data PATH or --from-topic")
    if data is not None:
        return ArchiveSource(data, topic=settings.topics.transactions, partitions=partitions)
    return bounded_topic(settings, settings.topics.transactions)


def bounded_topic(settings: Settings, topic: str, ends: Mapping[TopicPartition, int] | None = None) -> BoundedTopic:
    """Open a topic from its beginning, in a group of its own, so that the worker's offsets stay.

    Args:
        settings: how to reach the brokers.
        topic: what to read.
        ends: see `BoundedTopic`.

    Raises:
        TransportError: the broker or the topic cannot be read.
    """
    changes = {
        "group_id": f"{settings.kafka.group_id}-bounded-{uuid.uuid4().hex[:8]}",
        "group_instance_id": None,
        "auto_offset_reset": "earliest",
    }
    return BoundedTopic(KafkaConsumer(settings.kafka.model_copy(update=changes)), [topic], ends)
