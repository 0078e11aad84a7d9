"""What changes slowly in a person's life: where they are, and which devices they own.

Both repeat in periods that begin on another day for every person, so that on any day the same
share of people is away or has a new phone: the honest part of a simulation does not drift.
"""

import numpy as np
from numpy.typing import NDArray

from streamer.simulate.places import CITIES
from streamer.simulate.randomness import Stream, hashed, hashed_uniform
from streamer.simulate.users import Users

IN_TRANSIT = -1

_TRAVEL_PERIOD_D = 45
_SHORTEST_STAY_D = 2
_LONGEST_STAY_D = 9
_FAR_SHARE = 0.4
_PHONE_PERIOD_D = (120, 600)
_LAPTOP_PERIOD_D = (300, 900)
# Days before the start have periods too; keys of the hash must not be negative.
_LONG_AGO_D = 100_000


def places_on(seed: int, users: Users, day: int) -> NDArray[np.int64]:
    """Return (U,) the city each user is in all day, or `IN_TRANSIT`.

    The days of departure and return are spent in transit, so that no honest payment in a shop
    needs an implausible speed.
    """
    who = np.arange(len(users))
    phase = (hashed_uniform(seed, Stream.JOURNEYS, who) * _TRAVEL_PERIOD_D).astype(np.int64)
    period, today = np.divmod(day + _LONG_AGO_D + phase, _TRAVEL_PERIOD_D)

    def chance(purpose: int) -> NDArray[np.float64]:
        return hashed_uniform(seed, Stream.JOURNEYS, who, period, np.full(len(users), purpose))

    travels = chance(0) < users.traveller
    stay = _SHORTEST_STAY_D + (chance(1) * (_LONGEST_STAY_D - _SHORTEST_STAY_D + 1)).astype(np.int64)
    departure = (chance(2) * (_TRAVEL_PERIOD_D - 1 - stay)).astype(np.int64)
    lived_in = np.array([city.weight > 0 for city in CITIES])
    near, far = np.flatnonzero(lived_in), np.flatnonzero(~lived_in)
    pick = chance(3)
    goal = np.where(
        chance(4) < _FAR_SHARE,
        far[(pick * len(far)).astype(np.int64)],
        near[(pick * len(near)).astype(np.int64)],
    )
    away = travels & (departure < today) & (today <= departure + stay)
    moving = travels & ((today == departure) | (today == departure + stay + 1))
    return np.where(moving, IN_TRANSIT, np.where(away, goal, users.home))


def devices_on(seed: int, users: Users, day: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return (U,) ids of everyone's phone and of their laptop, owned or not."""
    return (
        _devices(seed, Stream.PHONES, len(users), day, _PHONE_PERIOD_D),
        _devices(seed, Stream.LAPTOPS, len(users), day, _LAPTOP_PERIOD_D),
    )


def _devices(seed: int, stream: Stream, users: int, day: int, period_d: tuple[int, int]) -> NDArray[np.uint64]:
    who = np.arange(users)
    least, most = period_d
    period = least + (hashed_uniform(seed, stream, who) * (most - least)).astype(np.int64)
    phase = (hashed_uniform(seed, stream, who, np.zeros_like(who)) * period).astype(np.int64)
    return hashed(seed, stream, who, (day + _LONG_AGO_D + phase) // period)
