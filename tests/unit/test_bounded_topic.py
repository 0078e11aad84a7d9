"""A topic that ends: every record before the end once, whatever happens to the group."""

from streamer.events.record import Message, TopicPartition
from streamer.transport.bounded import BoundedTopic
from streamer.transport.memory import MemoryBroker


def filled(count: int) -> MemoryBroker:
    broker = MemoryBroker({"in": 2}, now_ms=lambda: 0)
    broker.append([Message("in", b"%d" % number, b"%d" % number) for number in range(count)])
    return broker


def values(topic: BoundedTopic, *, max_records: int = 7) -> list[bytes | None]:
    found: list[bytes | None] = []
    while records := topic.poll(timeout_s=0.01, max_records=max_records):
        found += [record.value for record in records]
    return found


def test_it_ends_where_the_topic_ended_when_it_was_opened() -> None:
    broker = filled(30)
    topic = BoundedTopic(broker.consumer("g"), ["in"])
    first = topic.poll(timeout_s=0.01, max_records=3)
    broker.append([Message("in", b"late", b"late")])
    assert len(first) + len(values(topic)) == 30


def test_a_reader_that_its_group_expelled_reads_on_and_repeats_nothing() -> None:
    broker = filled(30)
    consumer = broker.consumer("g")
    topic = BoundedTopic(consumer, ["in"])
    found = [record.value for record in topic.poll(timeout_s=0.01, max_records=5)]
    consumer.expel()
    found += values(topic)
    assert sorted(found, key=str) == sorted((b"%d" % number for number in range(30)), key=str)


def test_given_ends_are_kept() -> None:
    broker = filled(30)
    ends = {TopicPartition("in", 0): 2, TopicPartition("in", 1): 0}
    assert len(values(BoundedTopic(broker.consumer("g"), ["in"], ends))) == 2


def test_an_empty_topic_ends_at_once() -> None:
    assert values(BoundedTopic(filled(0).consumer("g"), ["in"])) == []
