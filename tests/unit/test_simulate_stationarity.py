"""The honest part of the first weeks and of the last ones must look alike.

Otherwise detectors would be measured by how they bear a drift that nobody intended.
"""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from streamer.events.transaction import Transaction
from streamer.simulate.config import DAY_MS, SimulationConfig
from streamer.simulate.stream import simulate

Thirds = tuple[list[Transaction], list[Transaction]]

# Payments of one person resemble each other, so that counts vary more than independent ones do.
CLUSTERING = 1.6


@pytest.fixture(scope="module")
def thirds() -> Thirds:
    config = SimulationConfig(days=42)
    first, last = (
        [event.transaction for event in simulate(config, days) if event.fraud is None]
        for days in (range(14), range(28, 42))
    )
    return first, last


def chi_square_per_degree(first: Counter[object], last: Counter[object]) -> float:
    """Compare two counts; 1 is what chance gives independent draws from one distribution."""
    common = [value for value, count in (first + last).items() if count >= 50]
    counts = np.array([[each[value] for value in common] for each in (first, last)], dtype=float)
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    return float(((counts - expected) ** 2 / expected).sum() / (len(common) - 1))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(lambda each: int(each.timestamp) % DAY_MS // 3_600_000, id="hour"),
        pytest.param(lambda each: each.category, id="category"),
        pytest.param(lambda each: each.merchant_id, id="merchant"),
        pytest.param(lambda each: each.channel, id="channel"),
        pytest.param(lambda each: int(2 * np.log(max(float(each.amount), 0.5))), id="amount"),
        pytest.param(lambda each: each.device_id is None, id="device"),
    ],
)
def test_the_mix_does_not_drift(thirds: Thirds, value: Callable[[Transaction], object]) -> None:
    first, last = (Counter(map(value, third)) for third in thirds)
    assert chi_square_per_degree(first, last) < CLUSTERING


def test_the_number_of_payments_does_not_drift(thirds: Thirds) -> None:
    first, last = map(len, thirds)
    assert abs(first - last) / first < 0.02


def test_as_many_are_abroad_early_as_late(thirds: Thirds) -> None:
    homes: dict[object, str | None] = {}
    for user, countries in _countries([*thirds[0], *thirds[1]]).items():
        homes[user] = countries.most_common(1)[0][0]
    first, last = (
        np.mean([each.country != homes[each.user_id] for each in third if each.channel == "pos"]) for third in thirds
    )
    assert 0.02 < first < 0.2
    assert abs(first - last) / first < 0.15


def test_new_devices_come_as_often_early_as_late(thirds: Thirds) -> None:
    changes = [sum(len(devices) - 1 for devices in _devices(third).values()) for third in thirds]
    assert min(changes) > 100
    assert abs(changes[0] - changes[1]) / changes[0] < 0.15


def test_the_chi_square_notices_a_drift(thirds: Thirds) -> None:
    first = Counter[object](each.category for each in thirds[0])
    moved = Counter[object](each.category for each in thirds[1])
    moved["grocery"] = round(1.1 * moved["grocery"])
    assert chi_square_per_degree(first, moved) > CLUSTERING


def _countries(transactions: list[Transaction]) -> dict[object, Counter[str | None]]:
    found: dict[object, Counter[str | None]] = {}
    for each in transactions:
        if each.channel == "pos":
            found.setdefault(each.user_id, Counter())[each.country] += 1
    return found


def _devices(transactions: list[Transaction]) -> dict[object, set[object]]:
    found: dict[object, set[object]] = {}
    for each in transactions:
        if each.device_id is not None:
            found.setdefault(each.user_id, set()).add(each.device_id)
    return found
