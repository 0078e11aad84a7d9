"""Merchants: their category, place, price level and popularity."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamer.simulate.categories import CATEGORIES
from streamer.simulate.config import SimulationConfig
from streamer.simulate.places import CITIES, SHOP_COUNTRIES
from streamer.simulate.randomness import Stream, generator

ONLINE = -1
CHAIN = -2

_PRICE_SPREAD = 0.25
_ZIPF = 0.9
_CHAIN_SHARE = 0.25
_ABROAD_SHARE = 0.15
_SHOP_ABROAD_SHARE = 0.2
_PLACES = len(CITIES) + 1


@dataclass(frozen=True, slots=True)
class Merchants:
    """M merchants as columns.

    Attributes:
        category: (M,) index into `CATEGORIES`.
        place: (M,) index into `CITIES`, or `ONLINE`, or `CHAIN` for one with a shop in every city.
        country: (M,) country texts; empty for chains and for online shops that charge in the
            payer's country.
        price: (M,) logarithm of the price level.
        pools: for drawing by category and place, see `draw`.
        members: the merchants of all pools, one pool after the other.
    """

    category: NDArray[np.int64]
    place: NDArray[np.int64]
    country: tuple[str, ...]
    price: NDArray[np.float64]
    pools: NDArray[np.float64]
    members: NDArray[np.int64]

    def draw(
        self, rng: np.random.Generator, category: NDArray[np.int64], place: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return, for each row, a merchant of the category at the place, by popularity.

        Args:
            rng: source of randomness.
            category: (N,) indices.
            place: (N,) city indices, or `ONLINE`; the category must be sold there.
        """
        pool = _pool(category, place)
        # Rounding must not carry the largest fractions into the next pool.
        wanted = np.minimum(pool + rng.random(len(category)), np.nextafter(pool + 1.0, 0.0))
        return np.asarray(self.members[np.searchsorted(self.pools, wanted, side="right")])


def make_merchants(config: SimulationConfig) -> Merchants:
    """Open all merchants; every category is sold in every city and, if it ever is, online."""
    rng = generator(config.seed, Stream.MERCHANTS)
    count = config.merchants
    online_share = np.array([each.online for each in CATEGORIES])
    category = rng.choice(len(CATEGORIES), size=count)
    online = rng.random(count) < np.where(online_share < 1, 0.8 * online_share, 1.0)[category]
    lived_in = np.array([city.weight for city in CITIES])
    shares = np.where(lived_in > 0, (1 - _ABROAD_SHARE) * lived_in / lived_in.sum(), 0.0)
    shares[lived_in == 0] = _ABROAD_SHARE / (lived_in == 0).sum()
    place = np.where(rng.random(count) < _CHAIN_SHARE, CHAIN, rng.choice(len(CITIES), size=count, p=shares))
    place[online] = ONLINE
    for index, each in enumerate(CATEGORIES):
        category[2 * index : 2 * index + 2] = index
        place[2 * index] = ONLINE if each.online > 0 else CHAIN
        place[2 * index + 1] = CHAIN if each.online < 1 else ONLINE
    popularity = np.power(1.0 + rng.permutation(count), -_ZIPF, dtype=np.float64)
    registered = rng.choice(len(SHOP_COUNTRIES), size=count)
    abroad = rng.random(count) < _SHOP_ABROAD_SHARE
    country = tuple(
        CITIES[where].country if where >= 0 else SHOP_COUNTRIES[shop] if where == ONLINE and far else ""
        for where, shop, far in zip(place.tolist(), registered.tolist(), abroad.tolist(), strict=True)
    )
    pools, members = _fill_pools(category, place, popularity)
    return Merchants(category, place, country, rng.normal(0.0, _PRICE_SPREAD, count), pools, members)


def _pool(category: NDArray[np.int64], place: NDArray[np.int64]) -> NDArray[np.int64]:
    return category * _PLACES + place + 1


def _fill_pools(
    category: NDArray[np.int64], place: NDArray[np.int64], popularity: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    # A pool's number plus the cumulative share of its members: one sorted array serves all pools.
    bounds, members = [], []
    for pool in range(len(CATEGORIES) * _PLACES):
        kind, where = divmod(pool, _PLACES)
        there = (place == where - 1) | ((place == CHAIN) & (where > 0))
        inside = np.flatnonzero((category == kind) & there)
        if not len(inside):
            continue
        cumulative = np.cumsum(popularity[inside])
        cumulative /= cumulative[-1]
        cumulative[-1] = 1.0
        bounds.append(pool + cumulative)
        members.append(inside)
    return np.concatenate(bounds), np.concatenate(members)
