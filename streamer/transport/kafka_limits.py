"""What brokers and topics allow, held against what a worker is set to."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import kafka
from kafka.admin import ConfigResource, ConfigResourceType

from streamer.settings import KafkaSettings
from streamer.transport.kafka_admin import administering
from streamer.transport.kafka_writing import RECORD_OVERHEAD_BYTES

_TRANSACTION = "transaction.max.timeout.ms"
_SESSION_LEAST = "group.min.session.timeout.ms"
_SESSION_MOST = "group.max.session.timeout.ms"
_MESSAGE = "max.message.bytes"


@dataclass(frozen=True, slots=True)
class Limits:
    """The strictest limits of a cluster; None, or a topic left out, where this user is not told.

    Attributes:
        transaction_ms: longest timeout of transactions.
        session_least_ms: shortest session timeout of a group's members.
        session_most_ms: longest one.
        batch_bytes: largest batch of records, by topic.
    """

    transaction_ms: int | None
    session_least_ms: int | None
    session_most_ms: int | None
    batch_bytes: Mapping[str, int]


def limits_of(settings: KafkaSettings, topics: Collection[str]) -> Limits:
    """Ask all brokers, and about topics.

    Raises:
        TransportError: the cluster cannot be used; names cause and remedy.
    """
    with administering(settings, "asking for the limits of brokers and topics") as admin:
        brokers = [str(broker["broker_id"]) for broker in admin.describe_cluster()["brokers"]]
        told = _described(admin, ConfigResourceType.BROKER, brokers, (_TRANSACTION, _SESSION_LEAST, _SESSION_MOST))
        sizes = _described(admin, ConfigResourceType.TOPIC, topics, (_MESSAGE,))
    return Limits(
        transaction_ms=min((each[_TRANSACTION] for each in told.values() if _TRANSACTION in each), default=None),
        session_least_ms=max((each[_SESSION_LEAST] for each in told.values() if _SESSION_LEAST in each), default=None),
        session_most_ms=min((each[_SESSION_MOST] for each in told.values() if _SESSION_MOST in each), default=None),
        batch_bytes={topic: each[_MESSAGE] for topic, each in sizes.items() if _MESSAGE in each},
    )


def _described(
    admin: "kafka.KafkaAdminClient", kind: ConfigResourceType, names: Collection[str], configs: Collection[str]
) -> dict[str, dict[str, int]]:
    """Return the values of configurations by name of the broker or topic; of those not to be seen there are none."""
    asked = [ConfigResource(kind, name, dict.fromkeys(configs)) for name in names]
    found = admin.describe_configs(asked, config_filter="all").get(kind.name.lower(), {})
    return {
        name: {config: int(facts["value"]) for config, facts in values.items() if facts["value"] is not None}
        for name, values in found.items()
    }


def excesses(limits: Limits, settings: KafkaSettings, *, transactional: bool) -> Iterator[str]:
    """Yield what is set outside of the limits, and how to mend it.

    Args:
        limits: what the cluster says.
        settings: what the worker is set to.
        transactional: whether it delivers in transactions.
    """
    transaction_ms, session_ms = settings.transaction_timeout_s * 1_000, settings.session_timeout_s * 1_000
    if transactional and limits.transaction_ms is not None and transaction_ms > limits.transaction_ms:
        yield (
            f"kafka.transaction_timeout_s is {settings.transaction_timeout_s:g}, more than the brokers' {_TRANSACTION} "
            f"({limits.transaction_ms}): set it to {limits.transaction_ms / 1_000:g} or less, or raise theirs"
        )
    if limits.session_least_ms is not None and session_ms < limits.session_least_ms:
        yield (
            f"kafka.session_timeout_s is {settings.session_timeout_s:g}, less than the brokers' {_SESSION_LEAST} "
            f"({limits.session_least_ms}): set it to {limits.session_least_ms / 1_000:g} or more, or lower theirs"
        )
    if limits.session_most_ms is not None and session_ms > limits.session_most_ms:
        yield (
            f"kafka.session_timeout_s is {settings.session_timeout_s:g}, more than the brokers' {_SESSION_MOST} "
            f"({limits.session_most_ms}): set it to {limits.session_most_ms / 1_000:g} or less, or raise theirs"
        )
    needed = settings.max_message_bytes + RECORD_OVERHEAD_BYTES
    if small := {topic: most for topic, most in limits.batch_bytes.items() if most < needed}:
        topics = ", ".join(f"{topic!r} ({most})" for topic, most in small.items())
        yield (
            f"kafka.max_message_bytes is {settings.max_message_bytes}, and with its wrapping more than {_MESSAGE} of "
            f"{topics}: set it to {min(small.values()) - RECORD_OVERHEAD_BYTES} or less, or theirs to {needed} or more"
        )


def untold(limits: Limits, topics: Collection[str], *, transactional: bool) -> Iterator[str]:
    """Yield the limits that should have been looked at and were not told."""
    brokers = {
        _TRANSACTION: limits.transaction_ms is None and transactional,
        _SESSION_LEAST: limits.session_least_ms is None,
        _SESSION_MOST: limits.session_most_ms is None,
    }
    yield from (f"{name} of the brokers" for name, is_missing in brokers.items() if is_missing)
    yield from (f"{_MESSAGE} of {topic!r}" for topic in topics if topic not in limits.batch_bytes)
