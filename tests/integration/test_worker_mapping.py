"""`streamer run` on a topic with foreign fields, on a real Kafka."""

from itertools import islice
from pathlib import Path

import msgspec

from streamer.events.mapping_file import open_mapping
from streamer.events.record import Message
from streamer.simulate.event import encode
from streamer.simulate.stream import simulate
from tests.conftest import SMALL_WORLD
from tests.helpers.forked import forked_worker
from tests.helpers.worker import Topics, alerts_of, eventually

ENTRIES = {
    "transaction_id": '"after.id"',
    "user_id": '"after.card"',
    "amount": '{column = "after.cents", unit = "minor"}',
    "currency": '"after.currency"',
    "timestamp": '{column = "after.at", unit = "us"}',
    "merchant_id": '"after.shop"',
}


def foreign(value: bytes) -> bytes:
    """Write a canonical payment as a change of a row."""
    payment = msgspec.json.decode(value)
    row = {
        "id": payment["transaction_id"],
        "card": payment["user_id"],
        "cents": round(float(payment["amount"]) * 100),
        "currency": "EUR",
        "at": int(payment["timestamp"]) * 1000,
        "shop": payment.get("merchant_id"),
        "is_fraud": True,
    }
    return msgspec.json.encode({"op": "c", "after": row})


def test_a_mapped_topic_leads_to_alerts_and_what_does_not_fit_to_dead_letters(
    kafka: str, bundle: Path, tmp_path: Path
) -> None:
    mapping = tmp_path / "mapping.toml"
    mapping.write_text("\n".join(f"{field} = {entry}" for field, entry in ENTRIES.items()), encoding="utf-8")
    found = open_mapping(str(mapping))
    assert found is not None
    events = list(islice(simulate(SMALL_WORLD, range(20, 60)), 5_000))
    payments = [foreign(encode(event.transaction)) for event in events]
    topics = Topics(kafka).create(partitions=1)
    strange = b'{"op": "d", "after": null}'
    topics.produce([Message(topics.transactions, b"key", value) for value in (*payments, strange)])
    flags = ["--set", f"events.mapping={mapping}", "--set", "alerts.alerts_per_million=20000"]
    with forked_worker(topics, bundle, tmp_path / "log", *flags) as running:
        eventually("all records are read", lambda: topics.committed() == len(payments) + 1)
        assert running.stop() == 0
    alerts = alerts_of(topics.read(topics.alerts))
    amounts = {event.transaction.transaction_id: event.transaction.amount for event in events}
    assert alerts
    for alert in alerts:
        paid = alert.transaction
        assert (float(paid.amount), paid.currency) == (float(amounts[paid.transaction_id]), "EUR")
    (letter,) = topics.read(topics.dead_letters)
    assert letter.value == strange
    assert dict(letter.headers)["x-field"] == b"transaction_id"
    assert b"'after.id'" in dict(letter.headers)["x-detail"]
