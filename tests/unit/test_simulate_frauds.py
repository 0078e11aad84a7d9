import math
from collections import defaultdict
from statistics import fmean, median

import pytest

from streamer.events.transaction import Transaction
from streamer.simulate.config import FraudKind, SimulationConfig
from streamer.simulate.event import SimulatedEvent
from streamer.simulate.frauds.amount_inflation import FACTOR
from streamer.simulate.frauds.card_testing import MOST_TINY
from streamer.simulate.frauds.impossible_travel import LEAST_KM, LONGEST_PAUSE_MINUTES
from streamer.simulate.stream import simulate

MINUTE_MS = 60_000
Bursts = list[list[Transaction]]


@pytest.fixture(scope="module")
def events() -> list[SimulatedEvent]:
    return list(simulate(SimulationConfig(days=15, episodes_per_1000_user_days=12)))


@pytest.fixture(scope="module")
def honest(events: list[SimulatedEvent]) -> list[Transaction]:
    return [event.transaction for event in events if event.fraud is None]


def bursts_of(events: list[SimulatedEvent], kind: FraudKind) -> Bursts:
    found: dict[str, list[Transaction]] = defaultdict(list)
    for event in events:
        if event.fraud is kind and event.episode is not None:
            found[event.episode].append(event.transaction)
    assert len(found) > 20
    return list(found.values())


def minutes(burst: list[Transaction]) -> float:
    times = [int(each.timestamp) for each in burst]
    return (max(times) - min(times)) / MINUTE_MS


def amounts(transactions: list[Transaction]) -> list[float]:
    return [float(each.amount) for each in transactions]


def km_between(one: Transaction, other: Transaction) -> float:
    assert one.latitude is not None
    assert one.longitude is not None
    assert other.latitude is not None
    assert other.longitude is not None
    phi, other_phi = math.radians(float(one.latitude)), math.radians(float(other.latitude))
    across = math.radians(float(other.longitude) - float(one.longitude))
    cosine = math.sin(phi) * math.sin(other_phi) + math.cos(phi) * math.cos(other_phi) * math.cos(across)
    return 6371 * math.acos(min(1.0, cosine))


@pytest.mark.parametrize("kind", FraudKind)
def test_a_burst_strikes_one_user(events: list[SimulatedEvent], kind: FraudKind) -> None:
    for burst in bursts_of(events, kind):
        assert len({each.user_id for each in burst}) == 1


def test_account_takeover_is_a_fast_series_of_large_payments_from_a_new_device(
    events: list[SimulatedEvent], honest: list[Transaction]
) -> None:
    bursts = bursts_of(events, FraudKind.ACCOUNT_TAKEOVER)
    known = {each.device_id for each in honest}
    usual = median(amounts(honest))
    # Those at the very end of the simulation are cut off by it.
    whole = bursts[:-3]
    assert all(3 <= len(burst) <= 8 for burst in whole)
    assert all(minutes(burst) <= 60 for burst in bursts)
    assert all(len({each.device_id for each in burst}) == 1 for burst in bursts)
    assert 0.75 < fmean(burst[0].device_id not in known for burst in bursts) < 0.95
    assert median(median(amounts(burst)) for burst in bursts) > 3 * usual


def test_account_takeover_goes_to_unfamiliar_merchants(events: list[SimulatedEvent], honest: list[Transaction]) -> None:
    seen = {(each.user_id, each.merchant_id) for each in honest}
    payments = [each for burst in bursts_of(events, FraudKind.ACCOUNT_TAKEOVER) for each in burst]
    assert fmean((each.user_id, each.merchant_id) in seen for each in payments) < 0.3


def test_compromised_merchant_drains_many_cards_at_one_shop(events: list[SimulatedEvent]) -> None:
    incidents: dict[str, list[Transaction]] = defaultdict(list)
    for event in events:
        if event.fraud is FraudKind.COMPROMISED_MERCHANT and event.episode is not None:
            incidents[event.episode.split("/")[0]].append(event.transaction)
    assert all(len({each.merchant_id for each in incident}) == 1 for incident in incidents.values())
    assert all(minutes(incident) <= 6 * 60 for incident in incidents.values())
    assert fmean(len({each.user_id for each in incident}) for incident in incidents.values()) >= 4
    assert all(len(burst) <= 2 for burst in bursts_of(events, FraudKind.COMPROMISED_MERCHANT))


def test_card_testing_is_several_tiny_payments_and_often_a_large_one(events: list[SimulatedEvent]) -> None:
    bursts = bursts_of(events, FraudKind.CARD_TESTING)
    cashed_in = []
    for burst in bursts[:-3]:
        tiny = [each for each in burst if float(each.amount) <= MOST_TINY]
        assert 4 <= len(tiny) <= 8
        assert len({each.merchant_id for each in tiny}) == 1
        assert minutes(tiny) <= 25
        large = [each for each in burst if float(each.amount) > MOST_TINY]
        assert len(large) <= 1
        cashed_in.append(bool(large))
        assert all(int(each.timestamp) >= int(tiny[-1].timestamp) for each in large)
        assert all(float(each.amount) >= 60 for each in large)
    assert 0.5 < fmean(cashed_in) < 0.9


def test_amount_inflation_shows_in_the_amount_alone(events: list[SimulatedEvent], honest: list[Transaction]) -> None:
    usual: dict[object, list[float]] = defaultdict(list)
    devices: dict[object, set[object]] = defaultdict(set)
    for each in honest:
        usual[each.merchant_id].append(float(each.amount))
        devices[each.user_id].add(each.device_id)
    bursts = bursts_of(events, FraudKind.AMOUNT_INFLATION)
    assert all(len(burst) == 1 for burst in bursts)
    payments = [burst[0] for burst in bursts]
    factors = [math.log(float(each.amount) / median(usual[each.merchant_id])) for each in payments]
    assert math.log(FACTOR[0]) < fmean(factors) < math.log(FACTOR[1])
    known = [each.device_id in devices[each.user_id] for each in payments if each.device_id is not None]
    assert fmean(known) > 0.9


def test_impossible_travel_is_too_fast(events: list[SimulatedEvent], honest: list[Transaction]) -> None:
    in_shops: dict[object, list[Transaction]] = defaultdict(list)
    for each in honest:
        if each.channel == "pos":
            in_shops[each.user_id].append(each)
    for burst in bursts_of(events, FraudKind.IMPOSSIBLE_TRAVEL)[1:]:
        first = burst[0]
        before = [
            each
            for each in in_shops[first.user_id]
            if 0 <= int(first.timestamp) - int(each.timestamp) <= LONGEST_PAUSE_MINUTES * MINUTE_MS
        ]
        # Coordinates vary within a city.
        assert any(km_between(each, first) > LEAST_KM - 40 for each in before)


def test_honest_people_never_travel_faster_than_an_airliner(honest: list[Transaction]) -> None:
    last: dict[object, Transaction] = {}
    for each in honest:
        if each.channel != "pos":
            continue
        previous = last.get(each.user_id)
        last[each.user_id] = each
        if previous is not None:
            hours = max((int(each.timestamp) - int(previous.timestamp)) / 3_600_000, 1 / 60)
            assert max(0.0, km_between(previous, each) - 20) / hours < 900
