"""What the fraudsters of one day see, and the moves they share."""

from dataclasses import dataclass

import numpy as np

from streamer.simulate.categories import CATEGORIES
from streamer.simulate.config import FraudKind
from streamer.simulate.merchants import ONLINE
from streamer.simulate.payments import Payments
from streamer.simulate.randomness import log_uniform
from streamer.simulate.world import World

MINUTE_MS = 60_000
_NIGHT_H = (0.5, 5.0)


@dataclass(frozen=True, slots=True)
class Scene:
    """One day before the fraud.

    Attributes:
        world: its people and merchants.
        day: number of the day.
        honest: the honest payments of the day, in no particular order.
        rng: the randomness of this kind of fraud on this day.
    """

    world: World
    day: int
    honest: Payments
    rng: np.random.Generator

    def victim(self) -> int:
        """Choose a user."""
        return int(self.rng.integers(len(self.world.users)))

    def usual_hour(self, user: int) -> float:
        """Choose a local hour at which the user may well pay."""
        return float(self.world.users.pay_hours(self.rng, np.array([user]))[0])

    def night_hour(self) -> float:
        """Choose a local hour at which most people sleep."""
        return float(self.rng.uniform(*_NIGHT_H))

    def moment(self, user: int, local_hour: float) -> int:
        """Return when it is this hour at the user's home, on the scene's day."""
        home = self.world.users.home[[user]]
        return int(self.world.moment(self.day, np.array([local_hour]), home)[0])

    def online_shop(self, *names: str) -> int:
        """Choose an online shop of one of the categories, as likely as its popularity."""
        return self._shop(names, ONLINE)

    def shop_in(self, city: int, *names: str) -> int:
        """Choose a shop of one of the categories in a city, as likely as its popularity."""
        return self._shop(names, city)

    def amount(self, user: int, merchant: int) -> float:
        """Draw an ordinary amount of this user at this merchant."""
        return float(self.world.amounts(self.rng, np.array([user]), np.array([merchant]))[0])

    def unknown_device(self) -> int:
        """Make a device that nobody was ever seen with."""
        return int(self.rng.integers(1, 2**64, dtype=np.uint64))

    def between(self, least: float, most: float) -> float:
        """Draw from a log-uniform distribution: a factor or a duration."""
        return float(log_uniform(self.rng, least, most, 1)[0])

    def happens(self, probability: float) -> bool:
        """Toss a coin."""
        return bool(self.rng.random() < probability)

    def episode(self, kind: FraudKind, incident: int, victim: int = 0) -> str:
        """Name one burst on one user; bursts of one incident share the part before the slash."""
        return f"{kind.value}-{self.day}-{incident}/{victim}"

    def _shop(self, names: tuple[str, ...], place: int) -> int:
        fitting = [index for index, each in enumerate(CATEGORIES) if each.name in names]
        category = self.rng.choice(fitting, 1)
        return int(self.world.merchants.draw(self.rng, category, np.array([place]))[0])
