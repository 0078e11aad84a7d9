"""Honest days: habits, and the oddities of honest people that make fraud hard to tell.

Oddities: spending sprees (many payments in a few hours, more at weekends), large purchases
(furniture, electronics, holidays), runs of small digital purchases, refunds. Journeys, new
devices, night shifts and unfamiliar merchants come with the world.
"""

from dataclasses import replace

import numpy as np

from streamer.simulate.categories import index_of
from streamer.simulate.config import DAY_MS
from streamer.simulate.payments import Payments
from streamer.simulate.randomness import Stream, generator, log_uniform
from streamer.simulate.world import World

# On weekdays, and at weekends.
_SPREE_SHARE = (0.008, 0.03)
_SPREE_FACTOR = 2.5
_SPREE_HOURS = 5.0
_SPREE_CATEGORIES = tuple(index_of(name) for name in ("clothing", "restaurant", "entertainment", "home"))
_LARGE_SHARE = 0.004
_LARGE_CATEGORIES = tuple(index_of(name) for name in ("home", "electronics", "travel"))
_LARGE_FACTOR = (1.0, 2.5)
_RUN_CATEGORY = index_of("digital")
_RUN_SHARE = 0.2
_RUN_MOST = 3
_RUN_GAP_MS = (20_000, 400_000)
_REFUND_SHARE = 0.005
_SATURDAY = 5


def honest_day(world: World, day: int) -> Payments:
    """Return a day's honest payments, in no particular order; amounts are not rounded."""
    rng = generator(world.config.seed, Stream.HONEST, day)
    users = world.users
    spree = rng.random(len(users)) < _SPREE_SHARE[_is_weekend(world.midnight(day))]
    counts = rng.poisson(users.rate * np.where(spree, _SPREE_FACTOR, 1.0))
    user = np.repeat(np.arange(len(users)), counts)
    hour = users.pay_hours(rng, user)
    category = world.categories(rng, user)

    together = spree[user]
    begin = rng.uniform(10.0, 19.0, len(users))[user]
    hour = np.where(together, (begin + _SPREE_HOURS * rng.random(len(user))) % 24.0, hour)
    shopping = together & (rng.random(len(user)) < 0.7)
    category = np.where(shopping, rng.choice(_SPREE_CATEGORIES, len(user)), category)
    large = rng.random(len(user)) < _LARGE_SHARE
    category = np.where(large, rng.choice(_LARGE_CATEGORIES, len(user)), category)

    factor = np.where(large, log_uniform(rng, *_LARGE_FACTOR, len(user)), 1.0)
    factor *= np.where(rng.random(len(user)) < _REFUND_SHARE, -1.0, 1.0)
    made = world.ordinary(rng, day, user=user, local_hour=hour, category=category, factor=factor)
    return Payments.concatenate([made, _runs(world, rng, day, made)])


def _is_weekend(midnight: int) -> bool:
    # Day 0 of the epoch was a Thursday, the fourth day of a week that begins on Monday.
    return (midnight // DAY_MS + 3) % 7 >= _SATURDAY


def _runs(world: World, rng: np.random.Generator, day: int, made: Payments) -> Payments:
    """Return what gamers buy at the same merchant minutes after some digital purchases."""
    digital = world.merchants.category[made.merchant] == _RUN_CATEGORY
    first = made.rows(digital & world.users.gamer[made.user] & (rng.random(len(made)) < _RUN_SHARE))
    time = first.time[:, None] + np.cumsum(rng.integers(*_RUN_GAP_MS, (len(first), _RUN_MOST)), axis=1)
    length = rng.integers(1, _RUN_MOST + 1, len(first))
    # A day holds its own payments only, so a run ends at midnight.
    kept = (np.arange(_RUN_MOST) < length[:, None]) & (time < world.midnight(day + 1))
    more = first.rows(np.nonzero(kept)[0])
    return replace(more, time=time[kept], amount=world.amounts(rng, more.user, more.merchant))
