"""A trial reads what workers wrote whole, also behind a transaction that nobody ends."""

import uuid

import kafka as client

from tests.faults.trial import Trial


def test_it_waits_until_the_broker_has_ended_an_open_transaction(kafka: str, trial: Trial) -> None:
    producer = client.KafkaProducer(
        bootstrap_servers=kafka, transactional_id=uuid.uuid4().hex, transaction_timeout_ms=2_000
    )
    try:
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(trial.topics.alerts, b"never committed")
        producer.flush()
        assert trial.has_open_transaction()
        assert not trial.written().alerts
        assert not trial.has_open_transaction()
    finally:
        producer.close(timeout=0)
