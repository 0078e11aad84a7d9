"""Corruptions of real windows; the state that computes features is the oracle of the ledger."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.api import Windows
from detectors.training.corruption import CORRUPTIONS, Corruption, corrupt, corrupted_by, impossible_travel, inflation
from detectors.training.ledger import Ledger
from streamer.events.decode import decode
from streamer.events.record import Record
from streamer.settings import EventSettings, StateSettings
from streamer.state.features import TABLE
from streamer.state.partition import PartitionState
from tests.conftest import SMALL_WORLD
from tests.helpers.windows import read_only, simulated_windows

EACH = [pytest.param(corruption, id=corruption.__name__) for corruption, _ in CORRUPTIONS]
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
START = SMALL_WORLD.start


@cache
def real() -> Windows:
    windows, fraud = simulated_windows(SMALL_WORLD, 15)
    return read_only(windows.rows(np.flatnonzero(~fraud)[-1_500:]))


@pytest.mark.parametrize("corruption", EACH)
def test_corrupted_windows_are_still_windows(corruption: Corruption) -> None:
    windows = corrupted_by(corruption, real(), TABLE, np.random.default_rng(1))
    assert np.isfinite(windows.steps).all()
    assert np.isfinite(windows.last).all()
    assert (windows.last[:, : TABLE.steps] == windows.steps[:, -1]).all()
    assert (windows.length == real().length).all()
    before_first = np.arange(TABLE.window) < TABLE.window - windows.length[:, None]
    assert (windows.steps[before_first] == 0).all()


@pytest.mark.parametrize("corruption", EACH)
def test_every_last_event_is_changed_and_no_old_one(corruption: Corruption) -> None:
    windows = corrupted_by(corruption, real(), TABLE, np.random.default_rng(2))
    assert (windows.last != real().last).any(axis=1).mean() > 0.98
    assert (windows.steps[:, :16] == real().steps[:, :16]).all()


@pytest.mark.parametrize("corruption", EACH)
def test_the_same_seed_makes_the_same_corruption(corruption: Corruption) -> None:
    once, again, other = (corrupted_by(corruption, real(), TABLE, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert once.steps.tobytes() == again.steps.tobytes()
    assert once.last.tobytes() == again.last.tobytes()
    assert once.last.tobytes() != other.last.tobytes()


@pytest.mark.parametrize("corruption", EACH)
def test_the_windows_of_first_events_can_be_corrupted(corruption: Corruption) -> None:
    windows, _ = simulated_windows(SMALL_WORLD, 15)
    first = windows.rows(np.flatnonzero(windows.length == 1)[:50])
    corrupted = corrupted_by(corruption, first, TABLE, np.random.default_rng(5))
    assert np.isfinite(corrupted.last).all()
    quickness = TABLE.column("quickness")
    if corruption is not impossible_travel:
        assert corrupted.last[:, quickness] == pytest.approx(first.last[:, quickness], abs=1e-5)


def test_a_mixture_keeps_rows_in_their_places() -> None:
    windows = corrupt(real(), TABLE, np.random.default_rng(6))
    history = TABLE.column("history")
    assert (windows.last[:, history] == real().last[:, history]).all()
    assert (windows.last != real().last).any(axis=1).mean() > 0.98


@pytest.mark.parametrize(
    ("name", "feature", "least"),
    [
        ("campaign", "excess_7d", 1.0),
        ("inflation", "amount_ratio", 1.5),
        ("burst", "count_1h", 0.5),
        ("rare_hour", "hour_rarity", 0.4),
        ("card_testing", "small_count_1h", 0.8),
        ("impossible_travel", "travel_speed", 0.5),
        ("leaked_merchant", "merchant_rush", 1.0),
        ("foreign", "merchant_novelty", 0.3),
    ],
)
def test_each_corruption_shows_where_it_should(name: str, feature: str, least: float) -> None:
    corruption = {each.__name__: each for each, _ in CORRUPTIONS}[name]
    windows = corrupted_by(corruption, real(), TABLE, np.random.default_rng(7))
    column = TABLE.column(feature)
    assert windows.last[:, column].mean() - real().last[:, column].mean() > least


def test_a_single_window_can_be_corrupted() -> None:
    assert len(corrupt(real().rows(slice(0, 1)), TABLE, np.random.default_rng(8))) == 1


def test_inflation_moves_amounts_alone() -> None:
    windows = corrupted_by(inflation, real(), TABLE, np.random.default_rng(9))
    still = [TABLE.column(name) for name in ("quickness", "count_1h", "count_1d", "merchant_novelty", "hour_rarity")]
    assert windows.last[:, still] == pytest.approx(real().last[:, still], abs=1e-5)


def test_a_ledger_written_back_unchanged_is_the_same_window() -> None:
    windows = Ledger(real(), TABLE).write()
    assert windows.steps == pytest.approx(real().steps, abs=1e-3)
    assert windows.last == pytest.approx(real().last, abs=1e-3)


@pytest.mark.parametrize("changed", [1, 3, 6])
@pytest.mark.parametrize("gap_min", [None, 1, 5, 60])
def test_a_ledger_computes_what_the_state_would_have_seen(changed: int, gap_min: int | None) -> None:
    """The last payments of a user are raised and hastened, in the stream and in the ledger."""
    rng = np.random.default_rng(10)
    amount = np.exp(rng.normal(3.5, 0.5, 60))
    time = START + np.cumsum(rng.exponential(12 * HOUR_MS, 60)).astype(np.int64)
    ledger = Ledger(_newest_window(amount, time), TABLE)

    amount[-changed:] *= 3
    ledger.amount[:, -changed:] *= 3
    if gap_min is not None:
        time[-changed:] = time[-changed] + gap_min * MINUTE_MS * np.arange(changed)
        ledger.elapsed[:, TABLE.window - changed + 1 :] = gap_min / 60
    written, expected = ledger.write(), _newest_window(amount, time)

    computed = [
        "log_amount", "amount_ratio", "quickness", "quickness_ratio", "count_1h", "count_1d", "small_count_1h",
        "count_7d", "sum_1d", "sum_7d", "amount_deviation", "excess_7d",
    ]  # fmt: skip
    columns = [TABLE.column(name) for name in computed]
    assert written.last[:, columns] == pytest.approx(expected.last[:, columns], abs=0.15)
    in_steps = [column for column in columns if column < TABLE.steps]
    assert written.steps[:, :, in_steps] == pytest.approx(expected.steps[:, :, in_steps], abs=0.15)


def _newest_window(amount: NDArray[np.float64], time: NDArray[np.int64]) -> Windows:
    """Return what the state sees at the last of these payments, after those of many other users."""
    others = [(f"other{n}", 40.0, START - HOUR_MS) for n in range(500)]
    own = [("user", float(a), int(t)) for a, t in zip(amount, time, strict=True)]
    records = [
        Record(
            "t",
            0,
            n,
            None,
            b'{"transaction_id":"%d","user_id":"%s","amount":%f,"timestamp":%d}' % (n, u.encode(), a, t),
        )
        for n, (u, a, t) in enumerate(others + own)
    ]
    batch, rejected = decode(records, EventSettings())
    assert not rejected
    return PartitionState(StateSettings(), late_after_ms=HOUR_MS).advance(batch).windows.rows(slice(-1, None))
