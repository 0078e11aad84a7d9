"""`streamer check` holds settings against what a real broker and its topics allow, where it may ask."""

from pathlib import Path

import kafka
import pytest
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ConfigResource,
    ConfigResourceType,
    ResourcePattern,
    ResourceType,
)

from streamer.checks import all_checks
from streamer.errors import SettingsError
from streamer.settings import load
from streamer.transport.embedded import EmbeddedKafka
from tests.helpers.worker import Topics

AUTHORIZER = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}


def limits_of(topics: Topics, **changes: object) -> tuple[bool, str]:
    """Return whether the limits are kept, and what is said of them."""
    settings = load(None, topics.flags | {f"kafka.{name}": str(value) for name, value in changes.items()})
    try:
        return True, dict(all_checks(settings, create_partitions=None))["limits"]()
    except SettingsError as error:
        return False, str(error)


def forbid_describing(bootstrap: str, topic: str) -> None:
    """Let nobody see configurations of brokers and of one topic, but do all else with them."""
    pairs = [
        (ACLOperation.ALL, ACLPermissionType.ALLOW),
        (ACLOperation.DESCRIBE_CONFIGS, ACLPermissionType.DENY),
    ]
    places = [(ResourceType.CLUSTER, "kafka-cluster"), (ResourceType.TOPIC, topic)]
    admin = kafka.KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        for kind, name in places:
            pattern = ResourcePattern(kind, name)
            made = admin.create_acls([ACL("User:ANONYMOUS", "*", *pair, pattern) for pair in pairs])
            assert not made["failed"]
    finally:
        admin.close()


@pytest.fixture
def topics(kafka: str) -> Topics:
    return Topics(kafka).create(partitions=1)


def test_settings_beyond_the_brokers_limits_are_told(topics: Topics) -> None:
    assert limits_of(topics) == (True, "timeouts and message sizes are within what brokers and topics allow")
    ok, said = limits_of(topics, transaction_timeout_s=1_000, session_timeout_s=0.5, max_message_bytes=2_000_000)
    assert not ok
    for limit in ("transaction.max.timeout.ms (900000)", "group.min.session.timeout.ms (1000)", topics.alerts):
        assert limit in said


def test_a_topic_that_takes_only_small_messages_is_told(topics: Topics) -> None:
    admin = kafka.KafkaAdminClient(bootstrap_servers=topics.bootstrap)
    try:
        admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, topics.dead_letters, {"max.message.bytes": "500000"})]
        )
    finally:
        admin.close()
    ok, said = limits_of(topics)
    assert not ok
    assert f"max.message.bytes of '{topics.dead_letters}' (500000)" in said
    assert topics.alerts not in said
    assert limits_of(topics, max_message_bytes=498_976)[0]


def test_what_may_not_be_asked_is_said_to_be_unchecked(tmp_path: Path, jars: Path) -> None:
    with EmbeddedKafka(tmp_path, cache=jars, properties=AUTHORIZER) as broker:
        topics = Topics(broker.bootstrap).create(partitions=1)
        forbid_describing(broker.bootstrap, topics.alerts)
        ok, said = limits_of(topics, transaction_timeout_s=1_000)
    assert ok
    assert said.startswith("could not be checked")
    assert "transaction.max.timeout.ms of the brokers" in said
    assert f"max.message.bytes of '{topics.alerts}'" in said
    assert topics.dead_letters not in said
