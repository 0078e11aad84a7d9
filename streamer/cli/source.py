"""Bounded input of a command: an archive or a topic up to its present end."""

import uuid
from pathlib import Path

from streamer.errors import SettingsError
from streamer.replay import BoundedTopic
from streamer.settings import Settings
from streamer.transport.archive import ArchiveSource
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
    # A group of its own, so that reading leaves the worker's offsets alone.
    changes = {
        "group_id": f"{settings.kafka.group_id}-bounded-{uuid.uuid4().hex[:8]}",
        "group_instance_id": None,
        "auto_offset_reset": "earliest",
    }
    return BoundedTopic(KafkaConsumer(settings.kafka.model_copy(update=changes)), [settings.topics.transactions])
