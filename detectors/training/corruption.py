"""Plausible corruptions of real windows: what a payment history looks like in the hands of a thief.

Each takes windows of real users and changes the last payments as one kind of abuse would. They
stand in for frauds that no label tells of: they need not match any fraud exactly, only lie on
the same side of what is ordinary. Ranges overlap with ordinary behaviour on purpose; a
discriminator that only met crude corruptions would only know crude frauds.

What an ordinary payment at an unfamiliar shop, at a rare hour or of another user looks like is
taken from other windows of the batch, the *donors*.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from detectors.api import FeatureTable, Windows
from detectors.training.ledger import Ledger, Mask, Values

_MINUTE_H = 1 / 60
_SECOND_H = 1 / 3600

Corruption = Callable[[Ledger, np.random.Generator], None]


def corrupt(windows: Windows, table: FeatureTable, rng: np.random.Generator) -> Windows:
    """Return windows of which each suffered one corruption, in the same order.

    Args:
        windows: real ones, of many users; they are left untouched.
        table: their features.
        rng: decides which corruption and how.

    Raises:
        KeyError: the table lacks a feature that a corruption changes.
    """
    order = rng.permutation(len(windows))
    weights = np.array([weight for _, weight in CORRUPTIONS])
    ends = np.round(np.cumsum(weights) / weights.sum() * len(windows)).astype(int)
    groups = np.split(order, ends[:-1])
    corrupted = Windows(windows.steps.copy(), windows.length.copy(), windows.last.copy())
    for rows, (corruption, _) in zip(groups, CORRUPTIONS, strict=True):
        if len(rows):
            changed = corrupted_by(corruption, windows.rows(rows), table, rng)
            corrupted.steps[rows], corrupted.last[rows] = changed.steps, changed.last
    return corrupted


def corrupted_by(corruption: Corruption, windows: Windows, table: FeatureTable, rng: np.random.Generator) -> Windows:
    """Return windows that all suffered the same corruption; see `corrupt`."""
    ledger = Ledger(windows, table)
    corruption(ledger, rng)
    return ledger.write()


def campaign(ledger: Ledger, rng: np.random.Generator) -> None:
    """Raise many payments since some time by one factor; the last is one of them."""
    many = _last_events(ledger, rng, 2, 16) & (rng.random(ledger.amount.shape) < rng.uniform(0.3, 1, (len(ledger), 1)))
    many[:, -1] = True
    ledger.amount *= np.where(many, _between(rng, 1.7, 10, (len(ledger), 1)), 1)


def inflation(ledger: Ledger, rng: np.random.Generator) -> None:
    """Raise the last payment alone."""
    ledger.amount[:, -1] *= _between(rng, 2.5, 20, len(ledger))


def burst(ledger: Ledger, rng: np.random.Generator) -> None:
    """Spend quickly at unfamiliar shops, often by a new device, often at night."""
    spent = _last_events(ledger, rng, 1, 8)
    _at_unfamiliar_shops(ledger, rng, spent, _between(rng, 0.7, 6, (len(ledger), 1)))
    _in_quick_succession(ledger, rng, spent, 30 * _SECOND_H, 15 * _MINUTE_H)
    _at_one_hour(ledger, rng, spent, rare=0.4)
    _by_new(ledger, rng, "new_device", spent, 0.7)


def foreign(ledger: Ledger, rng: np.random.Generator) -> None:
    """Put the last payments of another user after the real ones of this."""
    taken = _last_events(ledger, rng, 1, 4)
    donor = rng.permutation(len(ledger))
    for values in (ledger.amount, ledger.merchant_mean):
        np.copyto(values, values[donor], where=taken)
    # The first payment of a user has no time before it that could be taken over.
    np.copyto(ledger.elapsed, ledger.elapsed[donor], where=taken & (ledger.elapsed[donor] < ledger.elapsed.max()))
    for name in ("hour_sin", "hour_cos", "travel_speed"):
        np.copyto(ledger.step(name), ledger.step(name)[donor], where=taken)
    _set(ledger.step("merchant_novelty"), taken, 0)
    _raise(ledger.step("category_rarity"), taken, rng.uniform(0, 1.5, taken.shape))
    _raise(ledger.step("hour_rarity"), taken, rng.uniform(0, 1.0, taken.shape))
    for name in ("new_device", "new_country"):
        _by_new(ledger, rng, name, taken, 0.3)


def rare_hour(ledger: Ledger, rng: np.random.Generator) -> None:
    """Pay once, at an unfamiliar shop, at an hour that is rare for the user."""
    spent = _last_events(ledger, rng, 1, 1)
    _at_unfamiliar_shops(ledger, rng, spent, _between(rng, 1, 8, (len(ledger), 1)))
    _at_one_hour(ledger, rng, spent, rare=1.0)
    _by_new(ledger, rng, "new_device", spent, 0.3)


def card_testing(ledger: Ledger, rng: np.random.Generator) -> None:
    """Try a card with tiny payments; then, perhaps, buy something dear."""
    tried = _last_events(ledger, rng, 2, 9)
    _at_unfamiliar_shops(ledger, rng, tried, np.ones((len(ledger), 1)))
    tiny = ledger.mean * _between(rng, 0.005, 0.15, tried.shape)
    dear = rng.random(len(ledger)) < 0.4
    small = tried.copy()
    small[dear, -1] = False
    np.copyto(ledger.amount, tiny, where=small)
    ledger.amount[dear, -1] *= _between(rng, 1, 8, int(dear.sum()))
    _in_quick_succession(ledger, rng, tried, 5 * _SECOND_H, 3 * _MINUTE_H)
    pause = _between(rng, 2 * _MINUTE_H, 50 * _MINUTE_H, len(ledger))
    np.copyto(ledger.elapsed[:, -1], pause, where=dear & tried[:, -2])
    _at_one_hour(ledger, rng, tried, rare=0.2)
    _by_new(ledger, rng, "new_device", tried, 0.4)


def impossible_travel(ledger: Ledger, rng: np.random.Generator) -> None:
    """Pay in a place that cannot have been reached since the payment before."""
    spent = _last_events(ledger, rng, 1, 3)
    _at_unfamiliar_shops(ledger, rng, spent, _between(rng, 0.7, 4, (len(ledger), 1)))
    _in_quick_succession(ledger, rng, spent, 3 * _MINUTE_H, 40 * _MINUTE_H)
    first = _first(spent)
    hours = _between(rng, 10 * _MINUTE_H, 3, spent.shape)
    np.copyto(ledger.elapsed, np.minimum(hours, ledger.elapsed), where=first)
    _at_one_hour(ledger, rng, spent, rare=0.1)
    km = _between(rng, 500, 9_000, (len(ledger), 1))
    # Only the first payment travels; those after it are made in the same town.
    speed = np.where(first, np.log1p((km - 20) / np.maximum(ledger.elapsed, _MINUTE_H) / 100), 0)
    np.copyto(ledger.step("travel_speed"), speed.astype(np.float32), where=spent)
    _by_new(ledger, rng, "new_country", spent, 0.6)


def leaked_merchant(ledger: Ledger, rng: np.random.Generator) -> None:
    """Pay at a shop that many strangers pay at the same time."""
    spent = _last_events(ledger, rng, 1, 1)
    _at_unfamiliar_shops(ledger, rng, spent, _between(rng, 0.8, 5, (len(ledger), 1)))
    ledger.end("merchant_rush")[:] = rng.uniform(0.9, 3, len(ledger))


CORRUPTIONS: tuple[tuple[Corruption, float], ...] = (
    (campaign, 0.18),
    (inflation, 0.16),
    (burst, 0.20),
    (foreign, 0.06),
    (rare_hour, 0.10),
    (card_testing, 0.14),
    (impossible_travel, 0.10),
    (leaked_merchant, 0.06),
)
"""Each corruption with its share."""


def _between(rng: np.random.Generator, least: float, most: float, shape: int | tuple[int, ...]) -> Values:
    """Draw from a log-uniform distribution."""
    return np.asarray(np.exp(rng.uniform(np.log(least), np.log(most), shape)))


def _last_events(ledger: Ledger, rng: np.random.Generator, least: int, most: int) -> Mask:
    """Choose how many last payments of each window are concerned: (B, T); at least the last."""
    count = rng.integers(least, most + 1, len(ledger))
    age = np.arange(ledger.table.window)[::-1]
    return np.asarray((age < count[:, None]) & ledger.real)


def _at_unfamiliar_shops(ledger: Ledger, rng: np.random.Generator, chosen: Mask, factor: Values) -> None:
    """Pay, for a factor of the usual, what donors paid at shops that were new to them."""
    donors = np.flatnonzero(ledger.end("merchant_novelty") == 0)
    if not len(donors):
        donors = np.arange(len(ledger))
    donor = rng.choice(donors, chosen.shape)
    amount = (ledger.mean + 0.5) * np.exp(ledger.end("amount_ratio")[donor])
    np.copyto(ledger.amount, (amount - 0.5) * factor, where=chosen)
    merchant_mean = amount * np.exp(-ledger.end("merchant_amount_ratio")[donor]) - 0.5
    np.copyto(ledger.merchant_mean, merchant_mean, where=chosen)
    np.copyto(ledger.step("category_rarity"), ledger.end("category_rarity")[donor], where=chosen)
    _set(ledger.step("merchant_novelty"), chosen, 0)
    _set(ledger.step("travel_speed"), chosen, 0)
    ledger.end("merchant_rush")[:] = ledger.end("merchant_rush")[donor[:, -1]]


def _in_quick_succession(
    ledger: Ledger, rng: np.random.Generator, chosen: Mask, shortest_h: float, longest_h: float
) -> None:
    """Draw the time between the chosen payments; the first of them keeps its own."""
    later = chosen & (np.cumsum(chosen, axis=1) > 1)
    np.copyto(ledger.elapsed, _between(rng, shortest_h, longest_h, chosen.shape), where=later)


def _at_one_hour(ledger: Ledger, rng: np.random.Generator, chosen: Mask, *, rare: float) -> None:
    """Put the chosen payments at the hour of the first of them, or, sometimes, at a rare hour of donors."""
    first = chosen.argmax(axis=1)
    every = np.arange(len(ledger))
    rarity = ledger.end("hour_rarity")
    donors = np.flatnonzero(rarity >= np.quantile(rarity, 0.85))
    donor = rng.choice(donors, len(ledger))
    at_night = rng.random(len(ledger)) < rare
    for name in ("hour_sin", "hour_cos", "hour_rarity"):
        values: NDArray[np.float32] = np.where(at_night, ledger.end(name)[donor], ledger.step(name)[every, first])
        np.copyto(ledger.step(name), values[:, None], where=chosen)


def _first(chosen: Mask) -> Mask:
    return np.asarray(chosen & (np.cumsum(chosen, axis=1) == 1))


def _by_new(ledger: Ledger, rng: np.random.Generator, name: str, chosen: Mask, share: float) -> None:
    """Use a new device or country for some: new to the first of the chosen payments, known to the others."""
    new = rng.random(len(ledger)) < share
    ledger.end(name)[:] = _first(chosen)[:, -1] & new


def _set(values: NDArray[np.float32], where: Mask, value: float = 1) -> None:
    np.copyto(values, np.float32(value), where=where)


def _raise(values: NDArray[np.float32], where: Mask, by: Values) -> None:
    np.copyto(values, (values + by).astype(np.float32), where=where)
