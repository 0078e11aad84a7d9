"""What every transactional producer must do: all or nothing, once, and never beside another of its name."""

import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing

import pytest

from streamer.errors import FencedError, RetriableTransportError, TransportError
from streamer.events.record import Message, Record, TopicPartition
from streamer.settings import KafkaSettings
from streamer.transport.base import Consumer, Membership, Rebalance, TransactionalProducer
from tests.helpers.brokers import Broker, InMemory, RealKafka
from tests.helpers.transport import IGNORE, PATIENCE_S, Journal, read

Reading = tuple[Consumer, Journal]


@pytest.fixture(params=["memory", "kafka-python", "confluent"])
def broker(request: pytest.FixtureRequest) -> Broker:
    if request.param == "memory":
        return InMemory()
    return RealKafka(KafkaSettings(bootstrap_servers=request.getfixturevalue("kafka"), client=request.param))


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Closes what a test opened."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def name() -> str:
    """A transactional id of one's own."""
    return f"writer-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def source(broker: Broker) -> str:
    """An input topic of two partitions with 20 records."""
    topic = broker.topic(2)
    with closing(broker.producer()) as producer:
        for number in range(20):
            producer.send(Message(topic, str(number).encode(), b"input"))
        producer.flush(timeout_s=PATIENCE_S)
    return topic


@pytest.fixture
def member(broker: Broker, source: str, stack: ExitStack) -> Reading:
    """A consumer that has read everything of the source, and what it was told."""
    consumer = stack.enter_context(closing(broker.consumer(f"group-{uuid.uuid4().hex[:12]}")))
    journal = Journal()
    consumer.subscribe([source], journal.rebalance())
    read(consumer, 20)
    return consumer, journal


@pytest.fixture
def producer(broker: Broker, name: str, stack: ExitStack) -> TransactionalProducer:
    """A producer that has begun."""
    return begun(broker, name, stack)


def begun(broker: Broker, name: str, stack: ExitStack) -> TransactionalProducer:
    producer = stack.enter_context(closing(broker.transactional(name)))
    producer.renew()
    return producer


def readable(broker: Broker, topic: str, count: int) -> list[Record]:
    """Read what is visible now, which should be so many records; some more polls show any others."""
    with closing(broker.consumer(f"reader-{uuid.uuid4().hex[:12]}")) as reader:
        reader.subscribe([topic], IGNORE)
        try:
            found = read(reader, count)
        except AssertionError as error:
            place = TopicPartition(topic, 0)
            error.add_note(
                f"it stands at {reader.positions([place])}; what is visible ends at {reader.end_offsets([place])}"
            )
            raise
        for _ in range(3):
            found += reader.poll(timeout_s=0.1, max_records=100)
        return found


def output(topic: str, *values: bytes) -> list[Message]:
    return [Message(topic, b"key", value, (("name", value),), 1_700_000_000_000) for value in values]


def test_messages_and_offsets_appear_together(
    broker: Broker, source: str, member: Reading, producer: TransactionalProducer
) -> None:
    topic = broker.topic(1)
    offsets = {TopicPartition(source, 0): 3, TopicPartition(source, 1): 5}
    consumer, _ = member
    assert consumer.committed(list(offsets)) == {}
    producer.transact(output(topic, b"a", b"b"), offsets, consumer.membership(), timeout_s=PATIENCE_S)
    assert consumer.committed(list(offsets)) == offsets
    found = readable(broker, topic, 2)
    assert [(record.key, record.value, record.headers, record.timestamp) for record in found] == [
        (b"key", value, (("name", value),), 1_700_000_000_000) for value in (b"a", b"b")
    ]


def test_one_transaction_after_another_keeps_their_order(
    broker: Broker, source: str, member: Reading, producer: TransactionalProducer
) -> None:
    topic = broker.topic(1)
    place = TopicPartition(source, 0)
    consumer, _ = member
    for number in range(10):
        values = [f"{number}.{part}".encode() for part in range(3)]
        producer.transact(output(topic, *values), {place: number + 1}, consumer.membership(), timeout_s=PATIENCE_S)
    found = readable(broker, topic, 30)
    assert [record.value for record in found] == [f"{n}.{part}".encode() for n in range(10) for part in range(3)]
    assert consumer.committed([place]) == {place: 10}


def test_either_part_may_be_missing(
    broker: Broker, source: str, member: Reading, producer: TransactionalProducer
) -> None:
    topic = broker.topic(1)
    place = TopicPartition(source, 1)
    consumer, _ = member
    producer.transact([], {place: 2}, consumer.membership(), timeout_s=PATIENCE_S)
    assert consumer.committed([place]) == {place: 2}
    producer.transact(output(topic, b"a"), {}, None, timeout_s=PATIENCE_S)
    producer.transact([], {}, consumer.membership(), timeout_s=PATIENCE_S)
    assert [record.value for record in readable(broker, topic, 1)] == [b"a"]
    assert consumer.committed([place]) == {place: 2}


def test_a_large_transaction_is_whole_and_in_order(broker: Broker, producer: TransactionalProducer) -> None:
    topic = broker.topic(3)
    messages = [Message(topic, f"user-{n % 50}".encode(), str(n).encode().ljust(300)) for n in range(5_000)]
    producer.transact(messages, {}, None, timeout_s=PATIENCE_S)
    found = readable(broker, topic, 5_000)
    assert len(found) == 5_000
    by_key: dict[bytes | None, list[int]] = {}
    for record in found:
        by_key.setdefault(record.key, []).append(int(record.value or b""))
    assert sorted(number for numbers in by_key.values() for number in numbers) == list(range(5_000))
    assert all(numbers == sorted(numbers) for numbers in by_key.values())


def test_a_second_of_the_same_name_fences_the_first(
    broker: Broker, name: str, source: str, member: Reading, stack: ExitStack
) -> None:
    topic = broker.topic(1)
    place = TopicPartition(source, 0)
    consumer, _ = member
    producer = begun(broker, name, stack)
    producer.transact(output(topic, b"first"), {place: 1}, consumer.membership(), timeout_s=PATIENCE_S)
    second = begun(broker, name, stack)
    with pytest.raises(FencedError):
        producer.transact(output(topic, b"zombie"), {place: 9}, consumer.membership(), timeout_s=PATIENCE_S)
    second.transact(output(topic, b"second"), {place: 2}, consumer.membership(), timeout_s=PATIENCE_S)
    assert [record.value for record in readable(broker, topic, 2)] == [b"first", b"second"]
    assert consumer.committed([place]) == {place: 2}


def test_a_fenced_writer_of_messages_alone_is_refused_too(
    broker: Broker, name: str, producer: TransactionalProducer, stack: ExitStack
) -> None:
    topic = broker.topic(1)
    second = begun(broker, name, stack)
    with pytest.raises(FencedError):
        producer.transact(output(topic, b"zombie"), {}, None, timeout_s=PATIENCE_S)
    second.transact(output(topic, b"second"), {}, None, timeout_s=PATIENCE_S)
    assert [record.value for record in readable(broker, topic, 1)] == [b"second"]


def test_a_member_that_lost_its_partition_is_refused(
    broker: Broker, source: str, member: Reading, producer: TransactionalProducer, stack: ExitStack
) -> None:
    topic = broker.topic(1)
    consumer, journal = member
    stale = consumer.membership()
    newcomer = stack.enter_context(closing(broker.consumer(stale.group_id)))
    of_newcomer = Journal()
    newcomer.subscribe([source], of_newcomer.rebalance())
    deadline = time.monotonic() + PATIENCE_S
    while not (len(journal.owned()) == 1 and len(of_newcomer.owned()) == 1):
        assert time.monotonic() < deadline
        consumer.poll(timeout_s=0.05, max_records=10)
        newcomer.poll(timeout_s=0.05, max_records=10)
    moved = next(iter(of_newcomer.owned()))
    with pytest.raises(FencedError):
        producer.transact(output(topic, b"stale"), {moved: 9}, stale, timeout_s=PATIENCE_S)
    producer.renew()
    producer.transact(output(topic, b"owner"), {moved: 4}, newcomer.membership(), timeout_s=PATIENCE_S)
    assert [record.value for record in readable(broker, topic, 1)] == [b"owner"]
    assert newcomer.committed([moved]) == {moved: 4}


def test_offsets_of_no_member_are_refused(
    broker: Broker, source: str, member: Reading, producer: TransactionalProducer
) -> None:
    topic = broker.topic(1)
    place = TopicPartition(source, 0)
    consumer, _ = member
    nobody = Membership(consumer.membership().group_id, -1, "", None)
    with pytest.raises(FencedError):
        producer.transact(output(topic, b"x"), {place: 1}, nobody, timeout_s=PATIENCE_S)
    producer.renew()
    with pytest.raises(TransportError, match="membership"):
        producer.transact(output(topic, b"x"), {place: 1}, None, timeout_s=PATIENCE_S)
    assert consumer.committed([place]) == {}
    assert readable(broker, topic, 0) == []


def test_offsets_may_be_written_while_a_partition_is_given_up(
    broker: Broker, source: str, producer: TransactionalProducer, stack: ExitStack
) -> None:
    topic = broker.topic(1)
    group = f"group-{uuid.uuid4().hex[:12]}"
    first, second = (stack.enter_context(closing(broker.consumer(group))) for _ in range(2))
    journals = Journal(), Journal()
    noting = journals[0].rebalance()

    def revoked(places: Sequence[TopicPartition]) -> None:
        offsets = dict.fromkeys(places, 10)
        producer.transact(output(topic, b"last words"), offsets, first.membership(), timeout_s=PATIENCE_S)
        noting.revoked(places)

    first.subscribe([source], Rebalance(noting.assigned, revoked, noting.lost))
    read(first, 20)
    second.subscribe([source], journals[1].rebalance())
    deadline = time.monotonic() + PATIENCE_S
    while not (len(journals[0].owned()) == 1 and len(journals[1].owned()) == 1):
        assert time.monotonic() < deadline
        first.poll(timeout_s=0.05, max_records=10)
        second.poll(timeout_s=0.05, max_records=10)
    moved = sorted(journals[1].owned())
    assert second.committed(moved) == dict.fromkeys(moved, 10)
    assert [record.value for record in readable(broker, topic, 1)] == [b"last words"]


def test_a_missing_topic_is_named_and_may_come_back(
    broker: Broker, source: str, member: Reading, producer: TransactionalProducer
) -> None:
    topic = broker.topic(1)
    place = TopicPartition(source, 0)
    consumer, _ = member
    messages = [*output(topic, b"a"), *output("no-such-topic", b"b")]
    began = time.monotonic()
    with pytest.raises(RetriableTransportError, match=r"'no-such-topic' does not exist.*create it"):
        producer.transact(messages, {place: 1}, consumer.membership(), timeout_s=PATIENCE_S)
    assert time.monotonic() - began < PATIENCE_S, "the time-out bounds it"
    producer.renew()
    assert consumer.committed([place]) == {}
    assert readable(broker, topic, 0) == []
    producer.transact(output(topic, b"c"), {place: 1}, consumer.membership(), timeout_s=PATIENCE_S)
    assert [record.value for record in readable(broker, topic, 1)] == [b"c"]


@pytest.mark.parametrize(
    ("bad", "said"), [(b"v" * 1_000_001, r"max_message_bytes"), (None, "neither key nor value")], ids=["large", "empty"]
)
def test_a_message_that_cannot_be_sent_stops_the_whole(
    broker: Broker, producer: TransactionalProducer, bad: bytes | None, said: str
) -> None:
    topic = broker.topic(1)
    assert producer.max_message_bytes == 1_000_000
    with pytest.raises(TransportError, match=said):
        producer.transact([*output(topic, b"a"), Message(topic, None, bad)], {}, None, timeout_s=PATIENCE_S)
    producer.renew()
    producer.transact(output(topic, b"b"), {}, None, timeout_s=PATIENCE_S)
    assert [record.value for record in readable(broker, topic, 1)] == [b"b"]


def test_nothing_is_written_before_renew_and_after_close(broker: Broker, name: str) -> None:
    topic = broker.topic(1)
    producer = broker.transactional(name)
    with pytest.raises(TransportError, match="call renew"):
        producer.transact(output(topic, b"a"), {}, None, timeout_s=PATIENCE_S)
    producer.renew()
    producer.close()
    producer.close()
    for use in (producer.renew, lambda: producer.transact(output(topic, b"a"), {}, None, timeout_s=PATIENCE_S)):
        with pytest.raises(TransportError, match="closed"):
            use()


def test_two_names_do_not_disturb_each_other(broker: Broker, name: str, stack: ExitStack) -> None:
    topic = broker.topic(1)
    writers = [begun(broker, f"{name}-{number}", stack) for number in range(2)]
    failures: list[BaseException] = []

    def write(number: int) -> None:
        try:
            for _ in range(10):
                writers[number].transact(output(topic, str(number).encode()), {}, None, timeout_s=PATIENCE_S)
        except BaseException as error:  # noqa: BLE001 (shown by the assertion below)
            failures.append(error)

    threads: list[threading.Thread] = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(record.value or b"" for record in readable(broker, topic, 20)) == [b"0"] * 10 + [b"1"] * 10
