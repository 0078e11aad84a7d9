"""Questions about and changes to a cluster: is it there, which topics has it, create some."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import kafka
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError, for_code

from streamer.events.record import TopicPartition
from streamer.settings import KafkaSettings
from streamer.transport.kafka_client import connect
from streamer.transport.kafka_errors import missing_topics_error, translate

_TOPIC_EXISTS = 36


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """What a cluster says about itself.

    Attributes:
        cluster_id: the cluster's own id.
        brokers: addresses as host:port, sorted.
        topics: names and numbers of partitions of the topics this user may see.
    """

    cluster_id: str
    brokers: tuple[str, ...]
    topics: Mapping[str, int]

    def __str__(self) -> str:
        """Say it in one line."""
        return f"cluster {self.cluster_id} at {', '.join(self.brokers)} with {len(self.topics)} topics"


def probe(settings: KafkaSettings) -> ClusterFacts:
    """Connect, ask and disconnect.

    Raises:
        TransportError: the cluster cannot be used; names cause and remedy.
    """
    with administering(settings, "asking about the cluster") as admin:
        cluster = admin.describe_cluster()
        topics = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
    brokers = sorted(f"{broker['host']}:{broker['port']}" for broker in cluster["brokers"])
    return ClusterFacts(cluster["cluster_id"], tuple(brokers), topics)


def missing_topics(settings: KafkaSettings, names: Collection[str]) -> list[str]:
    """List those topics that do not exist or may not be seen, in the order given.

    Raises:
        TransportError: the cluster cannot be used; names cause and remedy.
    """
    existing = probe(settings).topics
    return [name for name in names if name not in existing]


def require_topics(settings: KafkaSettings, names: Collection[str]) -> None:
    """Check that topics exist.

    Raises:
        TransportError: some do not, or the cluster cannot be used; names them, cause and remedy.
    """
    missing = missing_topics(settings, names)
    if missing:
        raise missing_topics_error(missing, settings)


def committed_offsets(settings: KafkaSettings, topic: str) -> dict[TopicPartition, int]:
    """Return what the group `settings.group_id` has committed for a topic's partitions, if anything.

    Raises:
        TransportError: the cluster cannot be used; names cause and remedy.
    """
    with administering(settings, f"asking for offsets of group {settings.group_id!r}") as admin:
        found = admin.list_group_offsets(settings.group_id)[settings.group_id]
    return {
        TopicPartition(place.topic, place.partition): stored.offset
        for place, stored in found.items()
        if place.topic == topic and stored.offset >= 0
    }


def log_ends(settings: KafkaSettings, topic: str) -> dict[TopicPartition, int]:
    """Return the end of each partition of a topic, transactions that are still open included.

    Raises:
        TransportError: the topic does not exist, or the cluster cannot be used; names cause and remedy.
    """
    return _log_offsets(settings, topic, OffsetSpec.LATEST)


def log_begins(settings: KafkaSettings, topic: str) -> dict[TopicPartition, int]:
    """Return the oldest offset of each partition of a topic that is still kept.

    Raises:
        TransportError: the topic does not exist, or the cluster cannot be used; names cause and remedy.
    """
    return _log_offsets(settings, topic, OffsetSpec.EARLIEST)


def create_topics(settings: KafkaSettings, topics: Mapping[str, int]) -> list[str]:
    """Create topics with the broker's default replication; leave existing ones as they are.

    Args:
        settings: how to reach the cluster.
        topics: names and numbers of partitions.

    Returns:
        The names of the topics that did not exist before.

    Raises:
        TransportError: the cluster cannot be used or refuses a topic; names cause and remedy.
    """
    if not topics:
        return []
    wanted = {name: {"num_partitions": partitions} for name, partitions in topics.items()}
    with administering(settings, "creating topics") as admin:
        answers = admin.create_topics(wanted, raise_errors=False)["topics"]
        for answer in answers:
            if answer["error_code"] not in {0, _TOPIC_EXISTS}:
                refusal = for_code(answer["error_code"])(answer["error_message"])
                raise translate(refusal, f"creating topic {answer['name']!r}")
        admin.wait_for_topics(list(topics))
    return [answer["name"] for answer in answers if answer["error_code"] == 0]


def _log_offsets(settings: KafkaSettings, topic: str, which: OffsetSpec) -> dict[TopicPartition, int]:
    partitions = probe(settings).topics.get(topic)
    if partitions is None:
        raise missing_topics_error([topic], settings)
    asked = {kafka.TopicPartition(topic, number): which for number in range(partitions)}
    with administering(settings, f"asking for offsets of topic {topic!r}") as admin:
        found = admin.list_partition_offsets(asked)
    return {TopicPartition(place.topic, place.partition): each.offset for place, each in found.items()}


@contextmanager
def administering(settings: KafkaSettings, doing: str) -> "Iterator[kafka.KafkaAdminClient]":
    """Connect for questions and changes, and disconnect afterwards.

    Args:
        settings: how to reach the cluster.
        doing: what is done and to what, for messages.

    Raises:
        TransportError: the connection, or what the block does with it, failed; names cause and remedy.
    """
    admin, loop = connect(kafka.KafkaAdminClient, settings)
    try:
        yield admin
    except KafkaError as error:
        raise translate(error, doing) from error
    finally:
        admin.close()
        loop.close()
