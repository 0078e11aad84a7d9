"""What every consumer must do when it is told where to read on, what to leave alone and who it is."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing

import pytest

from streamer.errors import TransportError
from streamer.events.record import Message, TopicPartition
from streamer.settings import KafkaSettings
from streamer.transport.base import Consumer, Rebalance
from tests.helpers.brokers import Broker, InMemory, RealKafka
from tests.helpers.transport import IGNORE, PATIENCE_S, Journal, read


@pytest.fixture(params=["memory", "kafka-python", "confluent"])
def broker(request: pytest.FixtureRequest) -> Broker:
    if request.param == "memory":
        return InMemory()
    return RealKafka(KafkaSettings(bootstrap_servers=request.getfixturevalue("kafka"), client=request.param))


def fill(broker: Broker, topic: str, count: int) -> None:
    """Write records with the values 0, 1, 2, …, spread by key."""
    with closing(broker.producer()) as producer:
        for number in range(count):
            producer.send(Message(topic, f"user-{number}".encode(), str(number).encode()))
        producer.flush(timeout_s=PATIENCE_S)


def quiet(consumer: Consumer) -> None:
    """Assert that several polls bring nothing."""
    for _ in range(5):
        assert consumer.poll(timeout_s=0.1, max_records=100) == []


def test_reading_goes_on_where_the_assigned_callback_sought(
    broker: Broker, open_consumer: Callable[[], Consumer]
) -> None:
    topic = broker.topic(1)
    place = TopicPartition(topic, 0)
    fill(broker, topic, 10)
    consumer = open_consumer()
    asked: list[tuple[dict[TopicPartition, int], ...]] = []

    def assigned(places: Sequence[TopicPartition]) -> None:
        asked.append(
            (consumer.committed(places), consumer.beginning_offsets(places), consumer.end_offsets(places)),
        )
        consumer.seek(place, 7)
        assert consumer.positions(places) == {place: 7}

    consumer.subscribe([topic], Rebalance(assigned, IGNORE.revoked, IGNORE.lost))
    assert [record.offset for record in read(consumer, 3)] == [7, 8, 9]
    assert asked == [({}, {place: 0}, {place: 10})]
    consumer.commit({place: 10})

    again = open_consumer()
    consumer.close()
    again.subscribe([topic], Rebalance(lambda _: again.seek(place, 2), IGNORE.revoked, IGNORE.lost))
    assert [record.offset for record in read(again, 8)] == [2, 3, 4, 5, 6, 7, 8, 9]


def test_seeking_back_and_forth_while_reading(broker: Broker, open_consumer: Callable[[], Consumer]) -> None:
    topic = broker.topic(1)
    place = TopicPartition(topic, 0)
    fill(broker, topic, 20)
    consumer = open_consumer()
    consumer.subscribe([topic], IGNORE)
    assert [record.offset for record in read(consumer, 5, max_records=5)] == [0, 1, 2, 3, 4]
    consumer.seek(place, 15)
    assert [record.offset for record in read(consumer, 2, max_records=2)] == [15, 16]
    consumer.seek(place, 1)
    assert read(consumer, 1, max_records=1)[0].offset == 1
    assert consumer.positions([place]) == {place: 2}


def test_seeking_elsewhere_is_refused(broker: Broker, open_consumer: Callable[[], Consumer]) -> None:
    topic = broker.topic(1)
    consumer = open_consumer()
    consumer.subscribe([topic], IGNORE)
    with pytest.raises(TransportError, match="assigned"):
        consumer.seek(TopicPartition(topic, 0), 0)


def test_committed_tells_what_was_committed_and_nothing_else(
    broker: Broker, open_consumer: Callable[[], Consumer]
) -> None:
    topic = broker.topic(3)
    places = [TopicPartition(topic, number) for number in range(3)]
    fill(broker, topic, 30)
    consumer = open_consumer()
    consumer.subscribe([topic], IGNORE)
    read(consumer, 30)
    assert consumer.committed(places) == {}
    consumer.commit({places[0]: 0, places[2]: 4})
    assert consumer.committed(places) == {places[0]: 0, places[2]: 4}
    assert consumer.committed([places[1]]) == {}
    assert consumer.committed([]) == {}


def test_nothing_comes_of_paused_partitions_and_all_of_it_after_resuming(
    broker: Broker, open_consumer: Callable[[], Consumer]
) -> None:
    topic = broker.topic(2)
    places = [TopicPartition(topic, number) for number in range(2)]
    fill(broker, topic, 40)
    consumer = open_consumer()
    journal = Journal()
    consumer.subscribe([topic], journal.rebalance())
    seen = read(consumer, 1, max_records=1)
    paused = seen[0].source
    other = next(place for place in places if place != paused)
    consumer.pause([paused])
    rest = consumer.end_offsets([other])[other]
    of_other = read(consumer, rest)
    assert [(record.source, record.offset) for record in of_other] == [(other, offset) for offset in range(rest)]
    consumer.pause([other])
    fill(broker, topic, 40)
    quiet(consumer)
    assert journal.owned() == set(places)
    consumer.commit({paused: 1})
    consumer.resume(places)
    consumer.resume(places)
    late = read(consumer, 80 - 1 - rest)
    assert next(record.offset for record in late if record.source == paused) == 1
    for place in places:
        offsets = [record.offset for record in [*seen, *of_other, *late] if record.source == place]
        assert offsets == list(range(len(offsets)))


def test_pausing_what_is_assigned_while_it_is_assigned(broker: Broker, open_consumer: Callable[[], Consumer]) -> None:
    topic = broker.topic(1)
    place = TopicPartition(topic, 0)
    fill(broker, topic, 5)
    consumer = open_consumer()
    consumer.subscribe([topic], Rebalance(consumer.pause, IGNORE.revoked, IGNORE.lost))
    deadline = time.monotonic() + PATIENCE_S
    while not consumer.positions([place]):
        assert time.monotonic() < deadline
        assert consumer.poll(timeout_s=0.1, max_records=10) == []
    quiet(consumer)
    consumer.resume([place, TopicPartition("elsewhere", 0)])
    assert len(read(consumer, 5)) == 5


def test_what_was_given_away_and_taken_back_is_not_paused(
    broker: Broker, open_consumer: Callable[[], Consumer]
) -> None:
    topic = broker.topic(2)
    fill(broker, topic, 20)
    first, second = open_consumer(), open_consumer()
    journal = Journal()
    first.subscribe([topic], journal.rebalance())
    records = read(first, 20)
    first.commit({record.source: record.offset + 1 for record in records})
    first.pause(sorted(journal.owned()))

    other = Journal()
    second.subscribe([topic], other.rebalance())
    deadline = time.monotonic() + PATIENCE_S
    while not (len(journal.owned()) == 1 and len(other.owned()) == 1):
        assert time.monotonic() < deadline
        first.poll(timeout_s=0.05, max_records=10)
        second.poll(timeout_s=0.05, max_records=10)
    moved, kept = next(iter(other.owned())), next(iter(journal.owned()))
    second.close()
    while len(journal.owned()) < 2:
        assert time.monotonic() < deadline
        first.poll(timeout_s=0.05, max_records=10)
    fill(broker, topic, 20)
    fresh = first.end_offsets([moved])[moved] - first.committed([moved])[moved]
    assert {record.source for record in read(first, fresh)} == {moved}
    quiet(first)
    first.resume([kept])
    assert {record.source for record in read(first, 20 - fresh)} == {kept}


def test_membership_names_group_and_member_and_its_generation_grows(
    broker: Broker, open_consumer: Callable[[], Consumer]
) -> None:
    topic = broker.topic(2)
    first, second = open_consumer(), open_consumer()
    journals = Journal(), Journal()
    first.subscribe([topic], journals[0].rebalance())
    deadline = time.monotonic() + PATIENCE_S
    while not journals[0].owned():
        assert time.monotonic() < deadline
        first.poll(timeout_s=0.05, max_records=10)
    alone = first.membership()
    second.subscribe([topic], journals[1].rebalance())
    while not (len(journals[0].owned()) == 1 and len(journals[1].owned()) == 1):
        assert time.monotonic() < deadline
        first.poll(timeout_s=0.05, max_records=10)
        second.poll(timeout_s=0.05, max_records=10)
    now, other = first.membership(), second.membership()
    assert (now.group_id, now.member_id, now.instance_id) == (alone.group_id, alone.member_id, None)
    assert now.generation > alone.generation
    assert other.group_id == now.group_id
    assert other.member_id != now.member_id


def test_the_closed_answers_nothing(broker: Broker, open_consumer: Callable[[], Consumer]) -> None:
    place = TopicPartition(broker.topic(1), 0)
    consumer = open_consumer()
    consumer.close()
    for ask in (
        lambda: consumer.committed([place]),
        lambda: consumer.seek(place, 0),
        lambda: consumer.pause([place]),
        lambda: consumer.resume([place]),
        lambda: consumer.beginning_offsets([place]),
        consumer.membership,
    ):
        with pytest.raises(TransportError, match="closed"):
            ask()
