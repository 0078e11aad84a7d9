"""From columns of numbers to transactions with names."""

import numpy as np
from numpy.typing import NDArray

from streamer.events.transaction import Transaction
from streamer.simulate.categories import CATEGORIES
from streamer.simulate.event import SimulatedEvent
from streamer.simulate.payments import NO_DEVICE, NOWHERE, Payments
from streamer.simulate.places import CITIES
from streamer.simulate.randomness import Stream, hashed_uniform
from streamer.simulate.world import LEAST_AMOUNT, World

# Half the width of a city, in degrees: shops of one city are at most 20 km apart.
_CITY_RADIUS = 0.06


class Names:
    """Turns the payments of one world into events."""

    def __init__(self, world: World) -> None:
        """Write all names once."""
        self._seed = world.config.seed
        self._users = [f"u{index:06d}" for index in range(len(world.users))]
        self._currency = [CITIES[home].currency for home in world.users.home]
        self._merchants = [f"m{index:05d}" for index in range(len(world.merchants.category))]
        self._category = [CATEGORIES[index].name for index in world.merchants.category]
        self._home = [CITIES[home].country for home in world.users.home]
        self._shop_country = world.merchants.country

    def events(self, day: int, payments: Payments) -> list[SimulatedEvent]:
        """Return one event for each payment; the transaction ids count them within the day."""
        latitude, longitude = self._coordinates(payments.merchant, payments.place)
        size = np.maximum(np.abs(payments.amount), LEAST_AMOUNT)
        amount = np.round(np.copysign(size, payments.amount), 2)
        rows = zip(
            payments.user.tolist(),
            payments.merchant.tolist(),
            payments.time.tolist(),
            amount.tolist(),
            payments.place.tolist(),
            payments.device.tolist(),
            latitude.tolist(),
            longitude.tolist(),
            payments.kind.tolist(),
            payments.episode.tolist(),
            strict=True,
        )
        return [
            SimulatedEvent(
                Transaction(
                    transaction_id=f"t{day:05d}-{number:07d}",
                    user_id=self._users[user],
                    amount=money,
                    timestamp=time,
                    merchant_id=self._merchants[merchant],
                    category=self._category[merchant],
                    currency=self._currency[user],
                    channel="online" if place == NOWHERE else "pos",
                    country=(self._shop_country[merchant] or self._home[user])
                    if place == NOWHERE
                    else CITIES[place].country,
                    latitude=None if place == NOWHERE else north,
                    longitude=None if place == NOWHERE else east,
                    device_id=None if device == NO_DEVICE else f"d{device:016x}",
                ),
                kind,
                episode,
            )
            for number, (user, merchant, time, money, place, device, north, east, kind, episode) in enumerate(rows)
        ]

    def _coordinates(
        self, merchant: NDArray[np.int64], place: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        # Every merchant has one fixed shop in each city it is in.
        sides = (np.full(len(merchant), side) for side in (0, 1))
        north, east = (
            _CITY_RADIUS * (2 * hashed_uniform(self._seed, Stream.SHOPS, merchant, place, side) - 1) for side in sides
        )
        latitude = np.array([city.latitude for city in CITIES])[place] + north
        longitude = np.array([city.longitude for city in CITIES])[place] + east
        return np.round(latitude, 5), np.round(longitude, 5)
