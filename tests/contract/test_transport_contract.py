"""What every transport must do: one suite, run by the in-memory broker and by a real Kafka through each client."""

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing

import pytest

from streamer.errors import TransportError
from streamer.events.record import Message, Record, TopicPartition
from streamer.settings import KafkaSettings
from streamer.transport.base import Rebalance
from streamer.transport.partitioner import partition_for
from tests.helpers.brokers import Broker, InMemory, RealKafka
from tests.helpers.transport import IGNORE, PATIENCE_S, Journal, read


class TestTransport:
    """The promises of `Consumer` and `Producer`."""

    @pytest.fixture(autouse=True, params=["memory", "kafka-python", "confluent"])
    def _broker(self, request: pytest.FixtureRequest) -> None:
        # librdkafka takes the time 0 for no time.
        self.oldest_ms = 1 if request.param == "confluent" else 0
        self.broker: Broker = InMemory()
        if request.param != "memory":
            settings = KafkaSettings(bootstrap_servers=request.getfixturevalue("kafka"), client=request.param)
            self.broker = RealKafka(settings)

    @pytest.fixture
    def group(self) -> str:
        """A group of one's own."""
        return f"group-{uuid.uuid4().hex[:12]}"

    @pytest.fixture
    def stack(self) -> Iterator[ExitStack]:
        """Closes what a test opened."""
        with ExitStack() as stack:
            yield stack

    def write(self, messages: Sequence[Message]) -> None:
        """Write and flush."""
        with closing(self.broker.producer()) as producer:
            for message in messages:
                producer.send(message)
            producer.flush(timeout_s=PATIENCE_S)

    def test_records_of_a_partition_come_in_order_and_adjacent(self, group: str, stack: ExitStack) -> None:
        topic = self.broker.topic(4)
        self.write([Message(topic, f"user-{number % 17}".encode(), str(number).encode()) for number in range(300)])
        consumer = stack.enter_context(closing(self.broker.consumer(group)))
        consumer.subscribe([topic], Journal().rebalance())
        seen: dict[TopicPartition, list[int]] = {}
        total = 0
        deadline = time.monotonic() + PATIENCE_S
        while total < 300:
            assert time.monotonic() < deadline
            batch = consumer.poll(timeout_s=0.1, max_records=40)
            assert len(batch) <= 40
            total += len(batch)
            runs = [
                place
                for place, before in zip(
                    [record.source for record in batch], [None, *(record.source for record in batch)], strict=False
                )
                if place != before
            ]
            assert len(runs) == len(set(runs)), "records of one partition must be adjacent"
            for record in batch:
                seen.setdefault(record.source, []).append(record.offset)
        assert len(seen) == 4
        for offsets in seen.values():
            assert offsets == list(range(len(offsets)))

    def test_a_key_goes_where_kafkas_default_partitioner_puts_it(self, group: str, stack: ExitStack) -> None:
        topic = self.broker.topic(5)
        keys = [f"user-{number}".encode() for number in range(40)]
        self.write([Message(topic, key, b"x") for key in keys])
        consumer = stack.enter_context(closing(self.broker.consumer(group)))
        consumer.subscribe([topic], Journal().rebalance())
        for record in read(consumer, len(keys)):
            assert record.key is not None
            assert record.partition == partition_for(record.key, 5)

    def test_bytes_headers_and_times_are_untouched(self, group: str, stack: ExitStack) -> None:
        topic = self.broker.topic(1)
        odd = bytes(range(256))
        messages = [
            Message(topic, b"k", b"", (), self.oldest_ms),
            Message(topic, b"k", None, (), 1),
            Message(topic, None, odd, (("x-reason", odd), ("x-reason", b"")), 1_700_000_000_123),
            Message(topic, b"", b'{"half": ', (), 1_600_000_000_000),
        ]
        self.write(messages)
        consumer = stack.enter_context(closing(self.broker.consumer(group)))
        consumer.subscribe([topic], Journal().rebalance())
        assert read(consumer, 4) == [
            Record(topic, 0, offset, message.key, message.value, message.headers, message.timestamp or 0)
            for offset, message in enumerate(messages)
        ]

    def test_a_message_without_time_gets_the_time_of_sending(self, group: str, stack: ExitStack) -> None:
        topic = self.broker.topic(1)
        before = time.time_ns() // 1_000_000
        self.write([Message(topic, b"k", b"v")])
        consumer = stack.enter_context(closing(self.broker.consumer(group)))
        consumer.subscribe([topic], Journal().rebalance())
        assert before <= read(consumer, 1)[0].timestamp <= time.time_ns() // 1_000_000

    def test_the_group_resumes_at_committed_offsets(self, group: str, stack: ExitStack) -> None:
        topic = self.broker.topic(1)
        self.write([Message(topic, b"k", str(number).encode()) for number in range(10)])
        with closing(self.broker.consumer(group)) as first:
            first.subscribe([topic], Journal().rebalance())
            assert len(read(first, 10)) == 10
            first.commit({TopicPartition(topic, 0): 4})
        second = stack.enter_context(closing(self.broker.consumer(group)))
        second.subscribe([topic], Journal().rebalance())
        assert [record.offset for record in read(second, 6)] == [4, 5, 6, 7, 8, 9]

    def test_nothing_is_committed_unasked(self, group: str, stack: ExitStack) -> None:
        topic = self.broker.topic(1)
        self.write([Message(topic, b"k", b"v")])
        with closing(self.broker.consumer(group)) as first:
            first.subscribe([topic], Journal().rebalance())
            read(first, 1)
        second = stack.enter_context(closing(self.broker.consumer(group)))
        second.subscribe([topic], Journal().rebalance())
        assert [record.offset for record in read(second, 1)] == [0]

    def test_assignment_is_told_before_the_first_record(self, group: str, stack: ExitStack) -> None:
        topic = self.broker.topic(2)
        self.write([Message(topic, str(number).encode(), b"v") for number in range(20)])
        journal = Journal()
        consumer = stack.enter_context(closing(self.broker.consumer(group)))
        consumer.subscribe([topic], journal.rebalance())
        deadline = time.monotonic() + PATIENCE_S
        count = 0
        while count < 20:
            assert time.monotonic() < deadline
            batch = consumer.poll(timeout_s=0.1, max_records=7)
            count += len(batch)
            assert {record.source for record in batch} <= journal.owned()
        assert journal.events == [("assigned", (TopicPartition(topic, 0), TopicPartition(topic, 1)))]

    def test_two_consumers_share_the_partitions_and_may_commit_while_giving_up(
        self, group: str, stack: ExitStack
    ) -> None:
        topic = self.broker.topic(4)
        keys = [str(number).encode() for number in range(40)]
        self.write([Message(topic, key, b"before") for key in keys])
        first = stack.enter_context(closing(self.broker.consumer(group)))
        second = stack.enter_context(closing(self.broker.consumer(group)))
        journals = Journal(), Journal()
        positions: dict[TopicPartition, int] = {}
        noting = journals[0].rebalance()

        def revoked(places: Sequence[TopicPartition]) -> None:
            first.commit({place: positions[place] for place in places})
            noting.revoked(places)

        first.subscribe([topic], Rebalance(noting.assigned, revoked, noting.lost))
        for record in read(first, 40):
            positions[record.source] = record.offset + 1

        second.subscribe([topic], journals[1].rebalance())
        deadline = time.monotonic() + PATIENCE_S
        while not (len(journals[0].owned()) == 2 and len(journals[1].owned()) == 2):
            assert time.monotonic() < deadline, journals
            assert first.poll(timeout_s=0.05, max_records=10) == []
            assert second.poll(timeout_s=0.05, max_records=10) == [], "what the first committed must not come again"
        assert journals[0].owned().isdisjoint(journals[1].owned())

        self.write([Message(topic, key, b"after") for key in keys])
        got: list[Record] = []
        while len(got) < 40:
            assert time.monotonic() < deadline
            for consumer, journal in zip((first, second), journals, strict=True):
                batch = consumer.poll(timeout_s=0.05, max_records=10)
                assert {record.source for record in batch} <= journal.owned()
                got += batch
        assert {record.value for record in got} == {b"after"}
        assert len({(record.source, record.offset) for record in got}) == 40

    def test_a_survivor_takes_over_what_another_leaves(self, group: str, stack: ExitStack) -> None:
        topic = self.broker.topic(2)
        first = stack.enter_context(closing(self.broker.consumer(group)))
        second = stack.enter_context(closing(self.broker.consumer(group)))
        journals = Journal(), Journal()
        first.subscribe([topic], journals[0].rebalance())
        second.subscribe([topic], journals[1].rebalance())
        deadline = time.monotonic() + PATIENCE_S
        while not (len(journals[0].owned()) == len(journals[1].owned()) == 1):
            assert time.monotonic() < deadline, journals
            first.poll(timeout_s=0.05, max_records=10)
            second.poll(timeout_s=0.05, max_records=10)
        first.close()
        assert len(journals[0].owned()) == 1, "closing calls nothing"
        while len(journals[1].owned()) < 2:
            assert time.monotonic() < deadline, journals
            second.poll(timeout_s=0.05, max_records=10)

    def test_an_exception_in_a_callback_comes_out_of_poll_for_ever(self, group: str, stack: ExitStack) -> None:
        topic = self.broker.topic(1)
        self.write([Message(topic, b"k", b"v")])
        consumer = stack.enter_context(closing(self.broker.consumer(group)))

        def fail(places: Sequence[TopicPartition]) -> None:
            raise LookupError(f"no state for {places}")

        consumer.subscribe([topic], Rebalance(fail, fail, fail))
        with pytest.raises(LookupError, match="no state for"):
            read(consumer, 1)
        with pytest.raises(LookupError, match="no state for"):
            consumer.poll(timeout_s=0.1, max_records=10)

    def test_poll_returns_nothing_when_nothing_comes(self, group: str, stack: ExitStack) -> None:
        topic = self.broker.topic(1)
        consumer = stack.enter_context(closing(self.broker.consumer(group)))
        consumer.subscribe([topic], Journal().rebalance())
        for _ in range(5):
            assert consumer.poll(timeout_s=0.05, max_records=10) == []

    def test_flushed_means_written(self) -> None:
        topic = self.broker.topic(2)
        with closing(self.broker.producer()) as producer, closing(self.broker.consumer("reader")) as consumer:
            places = [TopicPartition(topic, 0), TopicPartition(topic, 1)]
            assert consumer.end_offsets(places) == dict.fromkeys(places, 0)
            for number in range(100):
                producer.send(Message(topic, str(number).encode(), b"v"))
            producer.flush(timeout_s=PATIENCE_S)
            ends = consumer.end_offsets(places)
            assert sum(ends.values()) == 100
            assert min(ends.values()) > 0
            producer.flush(timeout_s=PATIENCE_S)

    def test_the_position_follows_what_was_read(self, group: str) -> None:
        topic = self.broker.topic(2)
        with closing(self.broker.producer()) as producer, closing(self.broker.consumer(group)) as consumer:
            places = [TopicPartition(topic, 0), TopicPartition(topic, 1)]
            consumer.subscribe([topic], IGNORE)
            assert consumer.positions(places) == {}
            for number in range(20):
                producer.send(Message(topic, str(number).encode(), b"v"))
            producer.flush(timeout_s=PATIENCE_S)
            records = read(consumer, 20, max_records=7)
            last = {record.source: record.offset + 1 for record in records}
            assert consumer.positions(places) == last == consumer.end_offsets(places)
            assert consumer.positions([TopicPartition("elsewhere", 0)]) == {}

    def test_a_message_over_the_limit_is_refused_and_one_at_the_limit_is_written(
        self, group: str, stack: ExitStack
    ) -> None:
        topic = self.broker.topic(1)
        producer = stack.enter_context(closing(self.broker.producer()))
        assert producer.max_message_bytes == 1_000_000
        header = ("name", b"12345")
        largest = Message(topic, b"k", b"v" * (1_000_000 - 1 - 9), (header,))
        with pytest.raises(TransportError, match=r"1000001 bytes.*max_message_bytes"):
            producer.send(Message(topic, b"kk", largest.value, largest.headers))
        producer.send(largest)
        producer.flush(timeout_s=PATIENCE_S)
        consumer = stack.enter_context(closing(self.broker.consumer(group)))
        consumer.subscribe([topic], Journal().rebalance())
        assert read(consumer, 1)[0].value == largest.value

    def test_a_message_with_neither_key_nor_value_is_refused(self, stack: ExitStack) -> None:
        producer = stack.enter_context(closing(self.broker.producer()))
        with pytest.raises(TransportError, match="neither key nor value"):
            producer.send(Message(self.broker.topic(1), None, None))

    def test_an_unknown_topic_is_named_with_what_to_do(self, group: str, stack: ExitStack) -> None:
        consumer = stack.enter_context(closing(self.broker.consumer(group)))
        with pytest.raises(TransportError, match=r"'no-such-topic' does not exist.*create it"):
            consumer.subscribe([self.broker.topic(1), "no-such-topic"], Journal().rebalance())
        producer = stack.enter_context(closing(self.broker.producer()))
        with pytest.raises(TransportError, match=r"'no-such-topic' does not exist.*create it"):
            producer.send(Message("no-such-topic", b"k", b"v"))

    def test_closing_twice_is_fine_and_using_the_closed_is_not(self, group: str) -> None:
        topic = self.broker.topic(1)
        consumer = self.broker.consumer(group)
        consumer.subscribe([topic], Journal().rebalance())
        consumer.poll(timeout_s=0.05, max_records=1)
        producer = self.broker.producer()
        for _ in range(2):
            consumer.close()
            producer.close()
        with pytest.raises(TransportError, match="closed"):
            consumer.poll(timeout_s=0.0, max_records=1)
        with pytest.raises(TransportError, match="closed"):
            consumer.commit({TopicPartition(topic, 0): 0})
        with pytest.raises(TransportError, match="closed"):
            producer.send(Message(topic, b"k", b"v"))
        with pytest.raises(TransportError, match="closed"):
            producer.flush(timeout_s=1.0)

    def test_poll_before_subscribe_is_refused(self, group: str, stack: ExitStack) -> None:
        consumer = stack.enter_context(closing(self.broker.consumer(group)))
        with pytest.raises(TransportError, match="subscribe"):
            consumer.poll(timeout_s=0.0, max_records=1)
