from collections.abc import Callable
from itertools import pairwise

import pytest

from streamer.errors import SettingsError
from streamer.events.decode import decode
from streamer.events.record import Record
from streamer.settings import EventSettings
from streamer.simulate.config import DAY_MS, FraudKind, FraudMix, SimulationConfig
from streamer.simulate.event import SimulatedEvent, encode
from streamer.simulate.stream import simulate
from streamer.transport.archive_columns import TRANSACTION_COLUMNS

SMALL = SimulationConfig(users=300, merchants=80, days=12)


@pytest.fixture(scope="module")
def events() -> list[SimulatedEvent]:
    return list(simulate(SMALL))


def bytes_of(events: list[SimulatedEvent]) -> list[tuple[bytes, str | None, str | None]]:
    return [(encode(event.transaction), event.fraud, event.episode) for event in events]


def honest_facts(config: SimulationConfig) -> list[tuple[object, ...]]:
    return [
        (each.user_id, each.merchant_id, each.amount, each.timestamp, each.device_id)
        for each, fraud, _ in simulate(config)
        if fraud is None
    ]


def test_the_same_configuration_gives_the_same_bytes(events: list[SimulatedEvent]) -> None:
    assert bytes_of(list(simulate(SMALL))) == bytes_of(events)


def test_another_seed_is_another_world(events: list[SimulatedEvent]) -> None:
    other = SimulationConfig(users=300, merchants=80, days=12, seed=2)
    assert bytes_of(list(simulate(other))) != bytes_of(events)


def test_history_and_live_part_join_to_the_whole(events: list[SimulatedEvent]) -> None:
    parts = [*simulate(SMALL, range(7)), *simulate(SMALL, range(7, 12))]
    assert bytes_of(parts) == bytes_of(events)


def test_a_longer_simulation_begins_with_the_same_events(events: list[SimulatedEvent]) -> None:
    shorter = SimulationConfig(users=300, merchants=80, days=5)
    begin = list(simulate(shorter))
    assert bytes_of(begin) == bytes_of(events[: len(begin)])


def test_fraud_is_added_to_an_unchanged_honest_world() -> None:
    without = SimulationConfig(users=100, merchants=40, days=5, episodes_per_1000_user_days=0)
    with_fraud = SimulationConfig(users=100, merchants=40, days=5, episodes_per_1000_user_days=50)
    assert honest_facts(without) == honest_facts(with_fraud)
    assert all(event.fraud is None for event in simulate(without))
    assert any(event.fraud for event in simulate(with_fraud))


def test_a_kind_of_weight_0_never_happens() -> None:
    mix = FraudMix(account_takeover=0, compromised_merchant=0, impossible_travel=0, amount_inflation=0)
    config = SimulationConfig(users=200, merchants=40, days=5, episodes_per_1000_user_days=20, mix=mix)
    assert {event.fraud for event in simulate(config)} == {None, FraudKind.CARD_TESTING}


def test_events_are_in_order_of_time_and_within_the_days(events: list[SimulatedEvent]) -> None:
    times = [int(event.transaction.timestamp) for event in events]
    assert all(earlier <= later for earlier, later in pairwise(times))
    assert SMALL.start <= times[0]
    assert times[-1] < SMALL.start + SMALL.days * DAY_MS


def test_transaction_ids_are_unique(events: list[SimulatedEvent]) -> None:
    assert len({event.transaction.transaction_id for event in events}) == len(events)


def test_every_event_is_a_canonical_transaction(events: list[SimulatedEvent]) -> None:
    records = [Record("t", 0, number, None, encode(event.transaction)) for number, event in enumerate(events)]
    batch, rejected = decode(records, EventSettings())
    assert rejected == []
    assert len(batch) == len(events)


def test_only_shops_have_a_place(events: list[SimulatedEvent]) -> None:
    for transaction, _, _ in events:
        located = transaction.latitude is not None and transaction.longitude is not None
        assert located == (transaction.channel == "pos")


def test_truth_is_told_for_frauds_alone(events: list[SimulatedEvent]) -> None:
    assert all((event.fraud is None) == (event.episode is None) for event in events)
    assert set(TRANSACTION_COLUMNS).isdisjoint({"is_fraud", "fraud", "fraud_kind", "episode", "episode_id"})


def test_bursts_go_on_after_midnight() -> None:
    config = SimulationConfig(users=500, merchants=40, days=4, episodes_per_1000_user_days=500)
    days: dict[str, set[int]] = {}
    for event in simulate(config):
        if event.episode is not None:
            days.setdefault(event.episode, set()).add((int(event.transaction.timestamp) - config.start) // DAY_MS)
    assert any(len(touched) == 2 for touched in days.values())
    assert all(len(touched) <= 2 for touched in days.values())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_by_default_a_few_in_a_thousand_are_fraud(seed: int) -> None:
    events = list(simulate(SimulationConfig(days=15, seed=seed)))
    share = sum(event.fraud is not None for event in events) / len(events)
    assert 0.003 < share < 0.006


@pytest.mark.parametrize("days", [range(5, 13), range(-1, 5), range(0, 10, 2)])
def test_days_outside_the_simulation_are_refused_at_once(days: range) -> None:
    with pytest.raises(SettingsError, match="has days 0 to 11"):
        simulate(SMALL, days)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: SimulationConfig(users=0), "users is 0"),
        (lambda: SimulationConfig(merchants=5), "merchants is 5"),
        (lambda: SimulationConfig(days=0), "days is 0"),
        (lambda: SimulationConfig(start=1), "no midnight UTC"),
        (lambda: SimulationConfig(seed=-1), "seed is -1"),
        (lambda: SimulationConfig(events_per_user_day=float("nan")), "events_per_user_day is nan"),
        (lambda: FraudMix(card_testing=-1), "card_testing the weight -1"),
        (lambda: FraudMix(0, 0, 0, 0, 0), "no usable weight"),
    ],
)
def test_impossible_worlds_are_refused(make: Callable[[], object], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        make()


def test_the_smallest_world_works() -> None:
    config = SimulationConfig(users=1, merchants=24, days=3, events_per_user_day=30, episodes_per_1000_user_days=1_000)
    assert {event.transaction.user_id for event in simulate(config)} == {"u000000"}
