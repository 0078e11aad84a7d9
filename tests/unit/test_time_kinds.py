"""Late, repeated, disordered and future payments: each is counted by its kind, and by that alone."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from streamer.accounts import Accounts
from streamer.bundles import open_bundle
from streamer.events.record import Record
from streamer.metrics import Metrics
from streamer.pipeline import Pipeline, Scored
from streamer.settings import Settings
from streamer.state.features import TABLE
from streamer.uncommitted import Uncommitted

NOON = 1_750_000_000_000
SECOND = 1_000
LATE_AFTER = 60 * SECOND
TOLERANCE = 300 * SECOND


def payment(offset: int, name: str, at: int, *, key: bytes | None = b"u1", arrived: int = NOON) -> Record:
    value = f'{{"transaction_id":"{name}","user_id":"u1","amount":12.5,"timestamp":{at}}}'.encode()
    return Record("transactions", 0, offset, key, value, timestamp=arrived)


@pytest.fixture
def pipeline(bundle: Path) -> Pipeline:
    return Pipeline(
        Settings(), open_bundle(bundle), worker="w", version="0", replay=False, stage=lambda _: nullcontext()
    )


def kinds(parts: Sequence[Scored]) -> dict[str, float | None]:
    registry = CollectorRegistry()
    Accounts(Metrics(registry)).committed([Uncommitted.of(part) for part in parts], NOON / 1000)
    return {
        "events": registry.get_sample_value("streamer_events_total", {"topic": "transactions", "partition": "0"}),
        "late": registry.get_sample_value("streamer_late_total"),
        "out_of_order": registry.get_sample_value("streamer_out_of_order_total"),
        "duplicates": registry.get_sample_value("streamer_duplicates_total"),
        "future": registry.get_sample_value("streamer_rejected_total", {"reason": "future"}),
        "key_mismatch": registry.get_sample_value("streamer_key_mismatch_total"),
    }


NONE = {"events": 2, "late": 0, "out_of_order": 0, "duplicates": 0, "future": 0, "key_mismatch": 0}


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (payment(1, "b", NOON), {}),
        (payment(1, "b", NOON - 1), {"out_of_order": 1}),
        (payment(1, "b", NOON - LATE_AFTER), {"out_of_order": 1}),
        (payment(1, "b", NOON - LATE_AFTER - 1), {"late": 1}),
        (payment(1, "a", NOON - LATE_AFTER - 1), {"duplicates": 1, "events": 1}),
        (payment(1, "b", NOON + TOLERANCE), {}),
        (payment(1, "b", NOON + TOLERANCE + 1), {"future": 1, "events": 1}),
        (payment(1, "b", NOON, key=b"u2"), {"key_mismatch": 1}),
        (payment(1, "b", NOON, key=None), {"key_mismatch": 1}),
    ],
    ids=["ties", "just before", "not yet late", "late", "repeated", "just tolerated", "future", "other key", "no key"],
)
def test_each_payment_is_counted_by_its_kind(pipeline: Pipeline, second: Record, expected: dict[str, float]) -> None:
    parts = pipeline.process([payment(0, "a", NOON), second], now_ms=NOON)
    assert kinds(parts) == NONE | expected


def test_a_payment_from_the_future_makes_no_later_one_late(pipeline: Pipeline) -> None:
    far = NOON + 10_000 * LATE_AFTER
    parts = pipeline.process([payment(0, "a", NOON), payment(1, "b", far), payment(2, "c", NOON)], now_ms=NOON)
    assert kinds(parts) == NONE | {"future": 1}


def test_retries_of_one_payment_count_once_in_velocity(bundle: Path) -> None:
    def judged(records: Sequence[Record]) -> Scored:
        made = Pipeline(
            Settings(), open_bundle(bundle), worker="w", version="0", replay=False, stage=lambda _: nullcontext()
        )
        *_, last = [part for record in records for part in made.process([record], now_ms=NOON)]
        return last

    once = judged([payment(0, "a", NOON), payment(1, "b", NOON + SECOND)])
    retried = judged(
        [
            payment(0, "a", NOON),
            payment(1, "a", NOON + 1),
            payment(2, "a", NOON),
            payment(3, "b", NOON + SECOND),
        ]
    )
    np.testing.assert_array_equal(retried.advance.windows.last, once.advance.windows.last)
    np.testing.assert_array_equal(retried.judgement.risk, once.judgement.risk)
    assert once.advance.past[0]["count_1h"] == 2
    burst = judged([payment(number, f"t{number}", NOON + number) for number in range(4)])
    velocity = TABLE.column("count_1h")
    assert burst.advance.windows.last[0, velocity] > retried.advance.windows.last[0, velocity]
