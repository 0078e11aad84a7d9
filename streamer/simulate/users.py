"""Users and their habits, drawn once for a world."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamer.simulate.categories import CATEGORIES
from streamer.simulate.config import SimulationConfig
from streamer.simulate.merchants import ONLINE, Merchants
from streamer.simulate.places import CITIES
from streamer.simulate.randomness import Stream, generator

FAVOURITES = 3
PEAKS = 3
NO_MERCHANT = -1

_LEVEL_SPREAD = 0.30
_RATE_SHAPE = 2.5
_LEAST_RATE = 0.15
_TASTE_EVENTS = 15.0
_NIGHT_SHIFT_SHARE = 0.04
_NIGHT_SHIFT_H = 12.0
_PEAK_HOURS = (9.0, 13.0, 19.0)
_PEAK_SPREAD_H = 1.8


@dataclass(frozen=True, slots=True)
class Users:
    """U people as columns.

    Attributes:
        home: (U,) index into `CITIES`.
        level: (U,) logarithm of the spending level; 0 is middling.
        rate: (U,) mean number of payments a day.
        taste: (U, categories) cumulative shares of their payments.
        online: (U,) factor on the categories' online shares.
        novelty: (U,) probability of trying a merchant outside the favourites.
        favourites: (U, categories, 2, FAVOURITES) merchants, in shops and online; `NO_MERCHANT`
            where the category is not sold that way.
        peaks: (U, PEAKS) local hours around which they pay.
        peak_share: (U, PEAKS) cumulative shares of the peaks.
        peak_width: (U,) standard deviation around a peak, in hours.
        wallet: (U,) bool, whether they also pay by phone in shops.
        laptop: (U,) bool, whether they have a second device for online payments.
        gamer: (U,) bool, whether they make runs of small digital purchases.
        traveller: (U,) probability of a journey in a travel period.
    """

    home: NDArray[np.int64]
    level: NDArray[np.float64]
    rate: NDArray[np.float64]
    taste: NDArray[np.float64]
    online: NDArray[np.float64]
    novelty: NDArray[np.float64]
    favourites: NDArray[np.int32]
    peaks: NDArray[np.float64]
    peak_share: NDArray[np.float64]
    peak_width: NDArray[np.float64]
    wallet: NDArray[np.bool_]
    laptop: NDArray[np.bool_]
    gamer: NDArray[np.bool_]
    traveller: NDArray[np.float64]

    def __len__(self) -> int:
        """Count the users."""
        return len(self.home)

    def pay_hours(self, rng: np.random.Generator, user: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return, for each row, a local hour in [0, 24) at which the user may well pay."""
        peak = (rng.random(len(user))[:, None] >= self.peak_share[user]).sum(axis=1)
        around = self.peak_width[user] * rng.standard_normal(len(user))
        return np.asarray((self.peaks[user, peak] + around) % 24.0)


def make_users(config: SimulationConfig, merchants: Merchants) -> Users:
    """Let all users be born."""
    rng = generator(config.seed, Stream.USERS)
    count = config.users
    weights = np.array([city.weight for city in CITIES])
    home = rng.choice(len(CITIES), size=count, p=weights / weights.sum())
    rate = rng.gamma(_RATE_SHAPE, config.events_per_user_day / _RATE_SHAPE, count)
    night_shift = rng.random(count) < _NIGHT_SHIFT_SHARE
    peaks = np.array(_PEAK_HOURS) + _PEAK_SPREAD_H * rng.standard_normal((count, PEAKS))
    return Users(
        home=home,
        level=_LEVEL_SPREAD * rng.standard_normal(count),
        rate=np.maximum(rate, min(_LEAST_RATE, config.events_per_user_day)),
        taste=_cumulative(
            rng.gamma(np.array([each.share for each in CATEGORIES]) * _TASTE_EVENTS, size=(count, len(CATEGORIES)))
        ),
        online=rng.gamma(4.0, 0.25, count),
        novelty=rng.beta(2.0, 14.0, count),
        favourites=_choose_favourites(rng, merchants, home),
        peaks=(peaks + _NIGHT_SHIFT_H * night_shift[:, None]) % 24.0,
        peak_share=_cumulative(rng.gamma(2.0, size=(count, PEAKS))),
        peak_width=rng.uniform(0.7, 2.2, count),
        wallet=rng.random(count) < 0.35,
        laptop=rng.random(count) < 0.5,
        gamer=rng.random(count) < 0.04,
        traveller=rng.beta(1.5, 3.0, count),
    )


def _cumulative(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    total = np.cumsum(parts + 1e-9, axis=1)
    total /= total[:, -1:]
    total[:, -1] = 1.0
    return total


def _choose_favourites(rng: np.random.Generator, merchants: Merchants, home: NDArray[np.int64]) -> NDArray[np.int32]:
    chosen = np.full((len(home), len(CATEGORIES), 2, FAVOURITES), NO_MERCHANT, dtype=np.int32)
    for index, category in enumerate(CATEGORIES):
        kind = np.full(len(home), index)
        for rank in range(FAVOURITES):
            if category.online < 1:
                chosen[:, index, 0, rank] = merchants.draw(rng, kind, home)
            if category.online > 0:
                chosen[:, index, 1, rank] = merchants.draw(rng, kind, np.full(len(home), ONLINE))
    return chosen
