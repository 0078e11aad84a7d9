"""What waits for a commit: sent once, whatever the broker answers."""

import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass

import numpy as np
import pytest

from detectors.ensemble import Judgement
from streamer.delivery import AtLeastOnce, Delivery, ExactlyOnce
from streamer.errors import FencedError, RetriableTransportError
from streamer.events.decode import decode
from streamer.events.record import Message, TopicPartition
from streamer.pipeline import Scored
from streamer.settings import EventSettings, StateSettings
from streamer.state.partition import PartitionState
from streamer.transport.base import Membership
from streamer.transport.memory import MemoryBroker, MemoryConsumer, MemoryTransactionalProducer
from streamer.uncommitted import Uncommitted
from tests.helpers.executors import Deferred
from tests.helpers.transport import IGNORE

PLACES = [TopicPartition("in", number) for number in range(2)]


def part(number: int, offset: int, *values: bytes, silent: bool = False) -> Scored:
    state = PartitionState(StateSettings(users=1, merchants=1, transaction_ids=1), late_after_ms=0)
    no_events, _ = decode([], EventSettings())
    nothing = np.empty((0, 1), np.float32)
    return Scored(
        source=PLACES[number],
        received=1,
        advance=state.advance(no_events),
        judgement=Judgement(nothing, nothing, nothing[:, 0]),
        has_score=np.empty(0, np.bool_),
        degraded=False,
        alerts=(),
        rejected=(),
        hidden=0,
        messages=tuple(Message("out", b"k", value) for value in values),
        next_offset=offset,
        silent=silent,
    )


@dataclass
class World:
    broker: MemoryBroker
    consumer: MemoryConsumer
    delivery: Delivery

    def written(self) -> list[bytes | None]:
        return [record.value for record in self.broker.records("out")]

    def committed(self) -> dict[TopicPartition, int]:
        return self.consumer.committed(PLACES)


@pytest.fixture
def world() -> Iterator[World]:
    broker = MemoryBroker({"in": 2, "out": 1}, now_ms=lambda: 0)
    producer = broker.producer()
    for place in PLACES:
        for number in range(40):
            producer.send(Message(place.topic, str(number).encode(), b"payment"))
    producer.flush(timeout_s=1)
    with closing(broker.consumer("workers")) as consumer:
        consumer.subscribe(["in"], IGNORE)
        consumer.poll(timeout_s=0, max_records=100)
        writer = ExactlyOnce(MemoryTransactionalProducer(broker, "t"), consumer, timeout_s=1, beside=Deferred(0))
        yield World(broker, consumer, Delivery(writer, interval_s=0.05))


def test_outputs_and_offsets_of_several_batches_go_together(world: World) -> None:
    world.delivery.add([part(0, 3, b"a"), part(1, 2, b"b")])
    world.delivery.add([part(0, 5, b"c")])
    assert world.written() == []
    assert len(world.delivery.deliver(now_s=1.0)) == 3
    assert sorted(world.written(), key=str) == [b"a", b"b", b"c"]
    assert world.committed() == {PLACES[0]: 5, PLACES[1]: 2}
    assert len(world.delivery) == 0


def test_commits_are_at_least_an_interval_apart(world: World) -> None:
    assert world.delivery.due_in(1.0) is None
    world.delivery.add([part(0, 1)])
    assert world.delivery.due_in(1.0) == 0.0
    world.delivery.deliver(now_s=1.0)
    world.delivery.add([part(0, 2)])
    assert world.delivery.due_in(1.02) == pytest.approx(0.03)
    assert world.delivery.due_in(2.0) == 0.0


def test_silent_parts_are_not_committed_again(world: World) -> None:
    world.delivery.add([part(0, 7, silent=True)])
    assert world.delivery.due_in(1.0) is None
    assert world.delivery.deliver(now_s=1.0) == []
    assert world.committed() == {}


@pytest.mark.parametrize("outcomes", [("lost",), ("unanswered",), ("lost", "lost", "unanswered")])
def test_a_transaction_in_doubt_is_written_exactly_once(world: World, outcomes: tuple[str, ...]) -> None:
    world.delivery.add([part(0, 3, b"a"), part(1, 4, b"b", b"c")])
    faults = iter(outcomes)
    world.broker.fail_transactions = lambda: next(faults, None)
    for _ in outcomes:
        with pytest.raises(RetriableTransportError):
            world.delivery.deliver(now_s=1.0)
        if len(world.written()) == 3:
            break
    assert len(world.delivery.deliver(now_s=2.0)) == 2
    assert sorted(world.written(), key=str) == [b"a", b"b", b"c"]
    assert world.committed() == {PLACES[0]: 3, PLACES[1]: 4}


@pytest.mark.parametrize("outcomes", [("lost",), ("unanswered",), ("unanswered", None, "lost"), ("lost", "unanswered")])
def test_what_comes_while_a_transaction_is_in_doubt_hides_nothing_of_it(
    world: World, outcomes: tuple[str | None, ...]
) -> None:
    """As when partitions go elsewhere meanwhile, and reading goes on with the rest."""
    faults = iter(outcomes)
    world.broker.fail_transactions = lambda: next(faults, None)
    world.delivery.add([part(0, 3, b"a"), part(1, 4, b"b")])
    with pytest.raises(RetriableTransportError):
        world.delivery.deliver(now_s=1.0)
    world.delivery.drop([PLACES[1]])
    world.delivery.add([part(0, 6, b"c")])
    delivered: list[Uncommitted] = []
    while len(world.delivery):
        with suppress(RetriableTransportError):
            delivered += world.delivery.deliver(now_s=2.0)
    assert [each.next_offset for each in delivered] == [3, 6]
    assert [value for value in world.written() if value != b"b"] == [b"a", b"c"]
    assert world.committed()[PLACES[0]] == 6


def test_a_lost_partition_is_not_delivered(world: World) -> None:
    world.delivery.add([part(0, 3, b"a"), part(1, 4, b"b")])
    world.delivery.drop([PLACES[0]])
    world.delivery.deliver(now_s=1.0)
    assert world.written() == [b"b"]
    assert world.committed() == {PLACES[1]: 4}


def test_a_second_process_of_the_same_name_fences_the_first(world: World) -> None:
    second = ExactlyOnce(
        MemoryTransactionalProducer(world.broker, "t"), world.consumer, timeout_s=1, beside=Deferred(0)
    )
    world.delivery.add([part(0, 3, b"a")])
    with pytest.raises(FencedError):
        world.delivery.deliver(now_s=1.0)
    assert world.written() == []
    second.begin({PLACES[0]: [Message("out", b"k", b"a")]}, {PLACES[0]: 3})
    assert second.finish(wait=True)
    assert world.written() == [b"a"]


def test_at_least_once_writes_before_it_commits(world: World) -> None:
    writer = AtLeastOnce(world.broker.producer(), world.consumer, timeout_s=1)
    delivery = Delivery(writer, interval_s=0)
    delivery.add([part(0, 3, b"a"), part(1, 4)])
    delivery.deliver(now_s=0.0)
    assert world.written() == [b"a"]
    assert world.committed() == {PLACES[0]: 3, PLACES[1]: 4}


@pytest.fixture
def beside(world: World) -> Delivery:
    """A delivery whose transactions end when they are looked at for the third time."""
    producer = MemoryTransactionalProducer(world.broker, "beside")
    writer = ExactlyOnce(producer, world.consumer, timeout_s=1, beside=Deferred(3))
    return Delivery(writer, interval_s=0)


def test_the_next_records_wait_while_a_transaction_is_under_way(world: World, beside: Delivery) -> None:
    beside.add([part(0, 3, b"a")])
    assert beside.go_on(1.0) == []
    beside.add([part(0, 4, b"b")])
    assert beside.due_in(1.0)
    assert beside.go_on(1.0) == []
    assert world.written() == []
    assert [each.next_offset for each in beside.go_on(1.0)] == [3]
    assert world.written() == [b"a"]
    assert [each.next_offset for each in beside.deliver(1.0)] == [4]
    assert world.written() == [b"a", b"b"]
    assert beside.due_in(1.0) is None


def test_it_is_due_when_there_is_something_to_begin_or_to_take_up(beside: Delivery) -> None:
    assert not beside.is_due(1.0)
    beside.add([part(0, 3)])
    assert beside.is_due(1.0)
    beside.go_on(1.0)
    assert [beside.is_due(1.0) for _ in range(3)] == [False, True, True]
    beside.go_on(1.0)
    assert not beside.is_due(1.0)


def test_it_is_due_while_a_transaction_is_under_way_if_too_much_has_come_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamer.delivery.MOST_WAITING", 1)
    producer = MemoryTransactionalProducer(world.broker, "beside")
    writer = ExactlyOnce(producer, world.consumer, timeout_s=1, beside=Deferred(1_000))
    delivery = Delivery(writer, interval_s=0)
    delivery.add([part(0, 3)])
    delivery.go_on(1.0)
    delivery.add([part(0, 4)])
    assert not delivery.is_due(1.0)
    delivery.add([part(0, 5)])
    assert delivery.is_due(1.0)
    assert [each.next_offset for each in delivery.go_on(1.0)] == [3]


@pytest.mark.parametrize("outcome", ["lost", "unanswered"])
def test_a_transaction_in_doubt_does_not_take_later_records_with_it(
    world: World, beside: Delivery, outcome: str
) -> None:
    faults = iter([outcome])
    world.broker.fail_transactions = lambda: next(faults, None)
    beside.add([part(0, 3, b"a")])
    beside.go_on(1.0)
    beside.add([part(0, 5, b"b"), part(1, 2, b"c")])
    with pytest.raises(RetriableTransportError):
        beside.deliver(1.0)
    assert len(beside.deliver(1.0)) == 3
    assert sorted(world.written(), key=str) == [b"a", b"b", b"c"]
    assert world.committed() == {PLACES[0]: 5, PLACES[1]: 2}


def test_partitions_lost_while_a_transaction_is_under_way_are_not_delivered_again(
    world: World, beside: Delivery
) -> None:
    faults = iter(["lost"])
    world.broker.fail_transactions = lambda: next(faults, None)
    beside.add([part(0, 3, b"a"), part(1, 2, b"b")])
    beside.go_on(1.0)
    beside.drop([PLACES[0]])
    with pytest.raises(RetriableTransportError):
        beside.deliver(1.0)
    beside.deliver(1.0)
    assert world.written() == [b"b"]


class StrictProducer(MemoryTransactionalProducer):
    """Takes offsets from the group's newest generation only, as Kafka does."""

    def __init__(self, world: World) -> None:
        super().__init__(world.broker, "strict")
        self._consumer = world.consumer

    def transact(
        self,
        messages: Sequence[Message],
        offsets: Mapping[TopicPartition, int],
        membership: Membership | None,
        *,
        timeout_s: float,
    ) -> None:
        if membership != self._consumer.membership():
            raise FencedError("illegal generation")
        super().transact(messages, offsets, membership, timeout_s=timeout_s)


def test_a_group_that_changes_under_a_transaction_costs_nothing(world: World) -> None:
    writer = ExactlyOnce(StrictProducer(world), world.consumer, timeout_s=1, beside=Deferred(3))
    delivery = Delivery(writer, interval_s=0)
    delivery.add([part(0, 3, b"a")])
    delivery.go_on(1.0)
    before = world.consumer.membership()
    with closing(world.broker.consumer("workers")) as second:
        second.subscribe(["in"], IGNORE)
        assert world.consumer.membership().generation > before.generation
        assert len(delivery.deliver(1.0)) == 1
    assert world.written() == [b"a"]
    assert world.committed() == {PLACES[0]: 3}


def test_a_member_that_was_expelled_under_a_transaction_is_fenced(world: World) -> None:
    writer = ExactlyOnce(StrictProducer(world), world.consumer, timeout_s=1, beside=Deferred(3))
    delivery = Delivery(writer, interval_s=0)
    delivery.add([part(0, 3, b"a")])
    delivery.go_on(1.0)
    world.consumer.expel()
    with pytest.raises(FencedError):
        delivery.deliver(1.0)
    assert world.written() == []


def test_in_a_backlog_commits_are_rarer_and_at_its_end_they_are_soon(world: World) -> None:
    writer = ExactlyOnce(
        MemoryTransactionalProducer(world.broker, "paced"), world.consumer, timeout_s=1, beside=Deferred(0)
    )
    delivery = Delivery(writer, interval_s=0.02, backlog_interval_s=0.2)
    delivery.pace(in_backlog=True)
    delivery.add([part(0, 3)])
    assert delivery.due_in(1.0) == 0, "the first need not wait"
    assert len(delivery.go_on(1.0)) == 1
    delivery.add([part(0, 4)])
    assert delivery.due_in(1.0) == pytest.approx(0.2)
    assert not delivery.is_due(1.1)
    assert delivery.go_on(1.1) == []
    delivery.pace(in_backlog=False)
    assert delivery.is_due(1.1)
    assert len(delivery.go_on(1.1)) == 1


def test_what_waits_for_a_commit_keeps_no_arrays_of_the_batch(world: World) -> None:
    waiting = part(0, 3, b"a")
    advance = waiting.advance
    held = [weakref.ref(each) for each in (advance.windows.steps, advance.past, advance.batch.amount)]
    world.delivery.add([waiting])
    del waiting, advance
    assert [ref() for ref in held] == [None, None, None]
    assert len(world.delivery.deliver(1.0)) == 1
