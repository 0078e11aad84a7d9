"""Bounded input of a command: an archive or a topic up to its present end."""

import uuid
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from streamer.errors import ArchiveError, SettingsError
from streamer.events.mapping_file import open_mapping
from streamer.events.record import TopicPartition
from streamer.mapped_archive import mapped_archive, mapped_labels
from streamer.settings import Settings
from streamer.transport.archive import ArchiveSource
from streamer.transport.archive_labels import read_labels
from streamer.transport.bounded import BoundedTopic
from streamer.transport.kafka import KafkaConsumer


def open_source(
    settings: Settings, *, data: Path | None, from_topic: bool, partitions: int
) -> ArchiveSource | BoundedTopic:
    """Open what a command reads.

    Raises:
        SettingsError: neither or both sources are named, or the mapping of fields cannot be used.
        ArchiveError: the archive does not exist.
        TransportError: the broker or the topic cannot be read.
    """
    if (data is None) != from_topic:
        raise SettingsError("choose one source: --data PATH or --from-topic")
    if data is not None:
        return open_archive(settings, data, partitions=partitions)
    return bounded_topic(settings, settings.topics.transactions)


def open_archive(settings: Settings, data: Path, *, partitions: int) -> ArchiveSource:
    """Open past payments, canonical or mapped.

    Raises:
        SettingsError: the mapping of fields cannot be used.
        ArchiveError: the archive does not exist.
    """
    mapping = open_mapping(settings.events.mapping)
    topic = settings.topics.transactions
    if mapping is None:
        return ArchiveSource(data, topic=topic, partitions=partitions)
    return mapped_archive(data, mapping, topic=topic, partitions=partitions)


def read_truth(settings: Settings, data: Path, label: str | None) -> dict[str, bool]:
    """Return whether each archived payment was fraud, by transaction id.

    Args:
        settings: names the mapping, which names the label.
        data: an archive.
        label: column of the truth where there is no mapping; None for the usual one.

    Raises:
        SettingsError: the mapping of fields cannot be used, names no label, or is not alone in naming it.
        ArchiveError: the archive cannot be read, or its labels.
    """
    mapping = open_mapping(settings.events.mapping)
    if mapping is None:
        return read_labels(data) if label is None else read_labels(data, label)
    if label is not None:
        raise SettingsError(f"--label {label!r} and a mapping: name the label in the mapping, label = {label!r}")
    return mapped_labels(data, mapping)


def labels_if_any(settings: Settings, data: Path | None, label: str | None, console: Console) -> dict[str, bool]:
    """Return the labels of an archive where it has some, by transaction id; else say why there are none.

    Args:
        settings: see `read_truth`.
        data: an archive; None for a topic, which has no labels.
        label: see `read_truth`; an archive must have what was asked for.
        console: told why there are none.

    Raises:
        SettingsError: see `read_truth`, or a label is asked for where there is no archive.
        ArchiveError: the archive lacks the label that was asked for.
    """
    if data is None:
        if label is not None:
            raise SettingsError(f"--label {label!r} needs --data: a topic has no labels")
        return {}
    mapping = open_mapping(settings.events.mapping)
    if mapping is not None and mapping.label is None and label is None:
        return {}
    try:
        return read_truth(settings, data, label)
    except ArchiveError as error:
        if label is not None or not data.exists():
            raise
        console.print(f"going on without labels: {error}", markup=False)
        return {}


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
