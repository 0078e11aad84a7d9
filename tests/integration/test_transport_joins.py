"""Joins that take longer than one poll are taken up by the next."""

import time
from contextlib import closing

import kafka

from streamer.events.record import TopicPartition
from streamer.settings import KafkaSettings
from streamer.transport.kafka import KafkaConsumer
from tests.conftest import TopicMaker
from tests.helpers.transport import PATIENCE_S, Journal

SHORT_S = 0.004


def test_a_leader_whose_poll_ends_while_it_joins_anew_stays_a_member(
    kafka_settings: KafkaSettings, make_topic: TopicMaker
) -> None:
    topic = make_topic(1)
    settings = kafka_settings.model_copy(update={"metadata_max_age_s": 0.2, "session_timeout_s": 3.0})
    journal = Journal()
    with closing(KafkaConsumer(settings)) as consumer:

        def poll_until_owned(count: int) -> None:
            places = {TopicPartition(topic, number) for number in range(count)}
            deadline = time.monotonic() + PATIENCE_S
            while journal.owned() != places:
                assert time.monotonic() < deadline, journal.events
                consumer.poll(timeout_s=SHORT_S, max_records=1)

        consumer.subscribe([topic], journal.rebalance())
        poll_until_owned(1)
        for count in (2, 3, 4):
            with closing(kafka.KafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)) as admin:
                admin.create_partitions({topic: count})
            poll_until_owned(count)
        consumer.commit({TopicPartition(topic, number): 0 for number in range(4)})
