"""When the worker counts as live and as ready."""

import pytest

from streamer.clock import ManualClock
from streamer.events.record import TopicPartition
from streamer.health import Health

ONE = TopicPartition("transactions", 1)
TWO = TopicPartition("transactions", 2)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_000.0)


@pytest.fixture
def health(clock: ManualClock) -> Health:
    return Health(clock, silence_s=30, stall_after_s=60)


@pytest.fixture
def working(health: Health) -> Health:
    health.bundle_loaded()
    health.assigned([ONE, TWO])
    return health


def turn(health: Health, clock: ManualClock, seconds: int) -> None:
    for _ in range(seconds):
        clock.advance(1)
        health.beat()


def test_it_starts_live_and_not_ready(health: Health) -> None:
    assert health.faults_of_life() == []
    assert health.faults_of_readiness() == [
        "no bundle is loaded",
        "no partition is assigned: the group has more workers than partitions, or is joining",
    ]


def test_it_is_ready_with_a_bundle_and_partitions(working: Health) -> None:
    assert working.faults_of_readiness() == []


def test_a_loop_that_stops_turning_is_neither_live_nor_ready(working: Health, clock: ManualClock) -> None:
    clock.advance(30)
    assert working.faults_of_life() == []
    clock.advance(1)
    assert working.faults_of_life() == ["the loop has not turned for 31 s"]
    assert working.faults_of_readiness() == ["the loop has not turned for 31 s"]
    working.beat()
    assert working.faults_of_life() == []


def test_while_another_process_has_taken_over_it_is_not_ready_and_says_why(working: Health) -> None:
    working.revoked([ONE, TWO])
    working.fenced("two of one name")
    assert "another process took over: two of one name" in working.faults_of_readiness()
    assert working.faults_of_life() == []
    working.fenced(None)
    working.assigned([ONE])
    assert working.faults_of_readiness() == []


def test_a_shutdown_ends_readiness_and_not_life(working: Health) -> None:
    working.draining()
    assert working.faults_of_readiness() == ["shutting down"]
    assert working.faults_of_life() == []


def test_a_partition_with_lag_that_stands_still_is_named(working: Health, clock: ManualClock) -> None:
    working.progress(ONE, 10, 5)
    working.progress(TWO, 20, 5)
    turn(working, clock, 50)
    working.progress(ONE, 10, 6)
    working.progress(TWO, 21, 5)
    turn(working, clock, 11)
    assert working.faults_of_readiness() == ["transactions/1 stands at 10 with 6 records to read"]
    assert working.stalls() == {ONE: "transactions/1 stands at 10 with 6 records to read", TWO: ""}
    assert working.faults_of_life() == []


def test_it_recovers_when_the_partition_moves(working: Health, clock: ManualClock) -> None:
    working.progress(ONE, 10, 5)
    turn(working, clock, 61)
    working.progress(TWO, 20, 0)
    assert working.faults_of_readiness() != []
    working.progress(ONE, 11, 4)
    assert working.faults_of_readiness() == []


def test_a_partition_with_nothing_to_read_may_stand_for_ever(working: Health, clock: ManualClock) -> None:
    working.progress(ONE, 10, 0)
    turn(working, clock, 600)
    working.progress(TWO, 20, 0)
    working.progress(ONE, 10, 0)
    # New records just arrived: the wait for progress begins now, not ten minutes ago.
    working.progress(ONE, 10, 3)
    assert working.faults_of_readiness() == []


def test_a_lag_that_nobody_can_tell_is_no_lag_of_zero(working: Health, clock: ManualClock) -> None:
    working.progress(ONE, 10, 0)
    working.progress(TWO, 20, 0)
    turn(working, clock, 61)
    working.progress(TWO, 20, 0)
    assert working.faults_of_readiness() == ["transactions/1 has no known lag for 61 s: is the broker there?"]
    assert working.faults_of_life() == []
    working.progress(ONE, 10, 0)
    assert working.faults_of_readiness() == []


def test_a_partition_that_went_elsewhere_is_not_missed(working: Health, clock: ManualClock) -> None:
    working.progress(ONE, 10, 5)
    working.revoked([ONE])
    turn(working, clock, 61)
    working.progress(TWO, 20, 0)
    working.progress(ONE, 10, 5)
    assert working.faults_of_readiness() == []
    assert working.stalls() == {TWO: ""}


def test_a_partition_that_comes_back_starts_afresh(working: Health, clock: ManualClock) -> None:
    working.progress(ONE, 10, 5)
    working.revoked([ONE])
    turn(working, clock, 61)
    working.progress(TWO, 20, 0)
    working.assigned([ONE])
    assert working.faults_of_readiness() == []


def test_a_worker_that_lost_all_partitions_is_not_ready(working: Health) -> None:
    working.revoked([ONE, TWO])
    assert len(working.faults_of_readiness()) == 1
