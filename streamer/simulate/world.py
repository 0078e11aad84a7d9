"""The world: its people, its merchants, and what an ordinary payment in it looks like."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamer.simulate.categories import CATEGORIES
from streamer.simulate.config import DAY_MS, SimulationConfig
from streamer.simulate.journeys import IN_TRANSIT, devices_on, places_on
from streamer.simulate.merchants import Merchants, make_merchants
from streamer.simulate.payments import NO_DEVICE, NOWHERE, Payments
from streamer.simulate.places import CITIES
from streamer.simulate.users import Users, make_users

LEAST_AMOUNT = 0.5

_HOUR_MS = DAY_MS / 24
_FAVOURITE_SHARES = (0.6, 0.9)
_LAPTOP_SHARE = 0.3
_WALLET_SHARE = 0.6

_SPREAD = np.array([each.spread for each in CATEGORIES])
_MEDIAN = np.log([each.median for each in CATEGORIES])
_ONLINE = np.array([each.online for each in CATEGORIES])
_OFFSET_H = np.array([city.offset_h for city in CITIES])


@dataclass(frozen=True, slots=True)
class World:
    """What stays the same on every day.

    Attributes:
        config: what it was made from.
        users: the people.
        merchants: whom they pay.
    """

    config: SimulationConfig
    users: Users
    merchants: Merchants

    def midnight(self, day: int) -> int:
        """Return the first millisecond of a day, since the epoch."""
        return self.config.start + day * DAY_MS

    def moment(self, day: int, local_hour: NDArray[np.float64], place: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the times within a UTC day at which it is the given hour at the places."""
        hour = (local_hour - _OFFSET_H[place]) % 24.0
        within = np.minimum((hour * _HOUR_MS).astype(np.int64), DAY_MS - 1)
        return np.asarray(self.midnight(day) + within)

    def amounts(
        self, rng: np.random.Generator, user: NDArray[np.int64], merchant: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return (N,) ordinary amounts of these users at these merchants, not rounded."""
        category = self.merchants.category[merchant]
        scale = _MEDIAN[category] + self.merchants.price[merchant] + self.users.level[user]
        return np.asarray(np.exp(scale + _SPREAD[category] * rng.standard_normal(len(user))))

    def categories(self, rng: np.random.Generator, user: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return (N,) categories the users buy from, by their taste."""
        return np.asarray((rng.random(len(user))[:, None] >= self.users.taste[user]).sum(axis=1))

    def ordinary(
        self,
        rng: np.random.Generator,
        day: int,
        *,
        user: NDArray[np.int64],
        local_hour: NDArray[np.float64],
        category: NDArray[np.int64],
        factor: NDArray[np.float64],
    ) -> Payments:
        """Return ordinary payments, in the order of the rows.

        Users in transit pay online only: their rows in shops are left out.

        Args:
            rng: source of randomness.
            day: number of the day.
            user: (N,) who pays.
            local_hour: (N,) hours in [0, 24) where the user is.
            category: (N,) what they buy.
            factor: (N,) by which the ordinary amounts are multiplied.
        """
        config, users = self.config, self.users
        count = len(user)
        where = places_on(config.seed, users, day)[user]
        share = _ONLINE[category]
        online = rng.random(count) < np.where(share < 1, np.minimum(share * users.online[user], 0.95), 1.0)
        loyal = rng.random(count) >= users.novelty[user]
        rank = np.searchsorted(_FAVOURITE_SHARES, rng.random(count), side="right")
        favourite = users.favourites[user, category, online.astype(np.int64), rank]
        place = np.where(online, NOWHERE, np.where(where == IN_TRANSIT, users.home[user], where))
        other = self.merchants.draw(rng, category, place)
        merchant = np.where(loyal & (online | (place == users.home[user])), favourite, other)
        time = self.moment(day, local_hour, np.where(where == IN_TRANSIT, users.home[user], where))
        amount = factor * self.amounts(rng, user, merchant)
        device = self._devices(rng, day, user, online)
        made = Payments.honest(user=user, merchant=merchant, time=time, amount=amount, place=place, device=device)
        return made.rows(online | (where != IN_TRANSIT))

    def _devices(
        self, rng: np.random.Generator, day: int, user: NDArray[np.int64], online: NDArray[np.bool_]
    ) -> NDArray[np.uint64]:
        phone, laptop = (each[user] for each in devices_on(self.config.seed, self.users, day))
        chance = rng.random(len(user))
        at_desk = self.users.laptop[user] & (chance < _LAPTOP_SHARE)
        by_phone = self.users.wallet[user] & (chance < _WALLET_SHARE)
        return np.where(online, np.where(at_desk, laptop, phone), np.where(by_phone, phone, np.uint64(NO_DEVICE)))


def make_world(config: SimulationConfig) -> World:
    """Make the people and merchants of a configuration."""
    merchants = make_merchants(config)
    return World(config, make_users(config, merchants), merchants)
