"""What only the in-memory broker offers to tests."""

import pytest

from streamer.errors import FencedError
from streamer.events.record import Message, TopicPartition
from streamer.transport.memory import MemoryBroker
from tests.helpers.transport import IGNORE, Journal

PLACE = TopicPartition("events", 0)


def make_broker() -> MemoryBroker:
    return MemoryBroker({"events": 1}, now_ms=lambda: 1_700_000_000_000)


def test_what_is_not_flushed_is_not_there() -> None:
    broker = make_broker()
    producer = broker.producer()
    producer.send(Message("events", b"k", b"v"))
    assert broker.records("events") == []
    producer.close()
    assert broker.records("events") == []


def test_records_without_time_get_the_brokers() -> None:
    broker = make_broker()
    producer = broker.producer()
    producer.send(Message("events", b"k", b"v"))
    producer.flush(timeout_s=1.0)
    assert [record.timestamp for record in broker.records("events")] == [1_700_000_000_000]


def test_an_expelled_member_is_fenced_told_and_comes_back() -> None:
    broker = make_broker()
    journal = Journal()
    consumer = broker.consumer("group")
    consumer.subscribe(["events"], journal.rebalance())
    consumer.poll(timeout_s=0.0, max_records=1)
    consumer.expel()
    with pytest.raises(FencedError, match="events"):
        consumer.commit({PLACE: 0})
    consumer.poll(timeout_s=0.0, max_records=1)
    assert journal.events == [("assigned", (PLACE,)), ("lost", (PLACE,)), ("assigned", (PLACE,))]
    consumer.commit({PLACE: 0})


def test_a_group_may_start_at_the_end() -> None:
    broker = make_broker()
    producer = broker.producer()
    producer.send(Message("events", b"k", b"old"))
    producer.flush(timeout_s=1.0)
    consumer = broker.consumer("group", auto_offset_reset="latest")
    consumer.subscribe(["events"], IGNORE)
    assert consumer.poll(timeout_s=0.0, max_records=9) == []
    producer.send(Message("events", b"k", b"new"))
    producer.flush(timeout_s=1.0)
    assert [record.value for record in consumer.poll(timeout_s=0.0, max_records=9)] == [b"new"]


def test_groups_do_not_see_each_other() -> None:
    broker = make_broker()
    producer = broker.producer()
    producer.send(Message("events", b"k", b"v"))
    producer.flush(timeout_s=1.0)
    for group in ("one", "two"):
        consumer = broker.consumer(group)
        consumer.subscribe(["events"], IGNORE)
        assert len(consumer.poll(timeout_s=0.0, max_records=9)) == 1
