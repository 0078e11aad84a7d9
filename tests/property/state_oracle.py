"""The state of a partition written again, naively: lists of whole histories and plain formulas.

Shares nothing with the product but the names of features. Names are compared as texts where
the product compares hashes, histories are kept whole where the product keeps running numbers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

HOUR = 3_600_000

T = TypeVar("T")


@dataclass(frozen=True)
class Event:
    transaction_id: str
    user: str
    amount: float
    time: int
    merchant: str | None
    category: str | None
    device: str | None
    country: str | None
    place: tuple[float, float] | None


@dataclass
class Rarest:
    """A list of bounded length in which a newcomer replaces the rarest."""

    size: int
    entries: list[list[object]] = field(default_factory=list)

    def seen(self, name: str) -> int:
        return next((int(str(n)) for key, n in self.entries if key == name), 0)

    def total(self) -> int:
        return sum(int(str(n)) for _, n in self.entries)

    def add(self, name: str) -> None:
        for entry in self.entries:
            if entry[0] == name:
                entry[1] = int(str(entry[1])) + 1
                return
        if len(self.entries) < self.size:
            self.entries.append([name, 1])
        else:
            rarest = min(range(self.size), key=lambda i: int(str(self.entries[i][1])))
            self.entries[rarest] = [name, 1]


@dataclass
class User:
    events: list[Event] = field(default_factory=list)
    moments: list[int] = field(default_factory=list)
    """Event times as the user's clock saw them: never backwards."""
    means: list[float] = field(default_factory=list)
    features: list[dict[str, float]] = field(default_factory=list)
    amount_mean: float = 0.0
    amount_square: float = 0.0
    amounts: int = 0
    gaps: list[float] = field(default_factory=list)
    merchants: Rarest = field(default_factory=lambda: Rarest(12))
    categories: Rarest = field(default_factory=lambda: Rarest(8))
    devices: list[str] = field(default_factory=list)
    countries: list[str] = field(default_factory=list)
    place: tuple[float, float] | None = None
    placed_at: int = 0


@dataclass
class Merchant:
    payments: list[tuple[int, bool]] = field(default_factory=list)
    """Time of the event, and whether the payer was a stranger."""
    first: int = 0
    amount_mean: float = 0.0


def seen_lately(ids: Sequence[str], capacity: int) -> Sequence[str]:
    """Return the ids that are not forgotten, of all that were new: the newest generation and the two before it."""
    generation = math.ceil(capacity / 2)
    return ids[max(0, (len(ids) - 1) // generation - 2) * generation :]


class Oracle:
    def __init__(self, *, users: int, merchants: int, ids: int) -> None:
        self.capacity = (users, merchants, ids)
        self.users: list[tuple[str, User]] = []
        self.merchants: list[tuple[str, Merchant]] = []
        self.ids: list[str] = []
        self.shared_mean = 0.0
        self.shared_count = 0
        self.hours: list[int] = []

    def feed(self, event: Event) -> tuple[dict[str, float], list[dict[str, float]]] | None:
        """Return the event's features and its window, oldest first; None for a duplicate."""
        if event.transaction_id in seen_lately(self.ids, self.capacity[2]):
            return None
        self.ids.append(event.transaction_id)
        user = self._touch(self.users, event.user, User(), self.capacity[0])
        merchant = None
        if event.merchant is not None:
            merchant = self._touch(self.merchants, event.merchant, Merchant(), self.capacity[1])
        features = self._features(event, user, merchant)
        user.features.append(features)
        return features, user.features[-32:]

    @staticmethod
    def _touch(held: list[tuple[str, T]], name: str, blank: T, capacity: int) -> T:
        found = next((state for key, state in held if key == name), None)
        if found is None:
            if len(held) == capacity:
                held.pop(0)
            found = blank
        else:
            held[:] = [(key, state) for key, state in held if key != name]
        held.append((name, found))
        return found

    def _features(self, event: Event, user: User, merchant: Merchant | None) -> dict[str, float]:
        amount = max(event.amount, 0.0)
        everybody = self.shared_mean if self.shared_count else amount
        known = min(user.amounts, 64)
        mean = (user.amount_mean * known + 2 * everybody) / (known + 2)
        square = (user.amount_square * known + mean * mean) / (known + 2)
        moment = max([event.time, *user.moments])
        since = (moment - max(user.moments)) / HOUR if user.moments else 720.0
        elapsed = min(since, 720.0)
        usual_gap = self._mean_gap(user)
        late = (max(user.moments) - event.time) / HOUR if user.moments else 0.0
        gap = max(elapsed, min(late, 720.0), 1 / 3600)
        ratio = math.log((amount + 0.5) / (mean + 0.5))
        ages = [self._age(user, index, elapsed) for index in range(len(user.events))]
        paid = [max(e.amount, 0.0) for e in user.events]

        def decayed(values: list[float], horizon: float) -> float:
            return sum(v * math.exp(-age / horizon) for v, age in zip(values, ages, strict=True))

        ones = [1.0] * len(ages)
        small = [float(0 <= e.amount < m / 4) for e, m in zip(user.events, user.means, strict=True)]
        excess = [max(0.0, math.log((p + 0.5) / (m + 0.5)) - 0.7) for p, m in zip(paid, user.means, strict=True)]
        hour = event.time // HOUR % 24
        angle = 2 * math.pi * (event.time % (24 * HOUR)) / (24 * HOUR)
        f = {
            "log_amount": math.log(amount + 0.5),
            "amount_ratio": ratio,
            "amount_deviation": (amount - mean) / (math.sqrt(square) + 0.05 * mean + 0.001),
            "quickness": -math.log(gap),
            "quickness_ratio": math.log(usual_gap / gap),
            "hour_sin": math.sin(angle),
            "hour_cos": math.cos(angle),
            "hour_rarity": self._hour_rarity(user, hour),
            "count_1h": math.log(1 + decayed(ones, 1)),
            "count_1d": math.log((1 + decayed(ones, 24)) / (1 + 24 / usual_gap)),
            "count_7d": math.log((1 + decayed(ones, 168)) / (1 + 168 / usual_gap)),
            "small_count_1h": math.log(1 + decayed(small, 1)),
            "sum_1d": math.log((mean + 0.5 + decayed(paid, 24) + amount) / ((mean + 0.5) * (1 + 24 / usual_gap))),
            "sum_7d": math.log((mean + 0.5 + decayed(paid, 168) + amount) / ((mean + 0.5) * (1 + 168 / usual_gap))),
            "excess_7d": decayed(excess, 168) + max(0.0, ratio - 0.7),
            "history": math.log(1 + len(user.events)),
            "travel_speed": self._travel(event, user),
            **self._novelty(event, user),
            **self._merchant(event, user, merchant, amount, everybody),
        }
        self._learn(event, user, mean=mean, moment=moment, gap=gap)
        return f

    @staticmethod
    def _age(user: User, index: int, elapsed: float) -> float:
        """Age of an earlier event: gaps longer than 30 d count as 30 d."""
        steps = [
            min((later - earlier) / HOUR, 720.0)
            for earlier, later in zip(user.moments[index:], user.moments[index + 1 :], strict=False)
        ]
        return sum(steps) + elapsed + (user.moments[index] - user.events[index].time) / HOUR

    @staticmethod
    def _mean_gap(user: User) -> float:
        mean = 0.0
        for number, gap in enumerate(user.gaps, start=1):
            mean += (gap - mean) / min(number, 64)
        known = min(len(user.gaps), 64)
        return (mean * known + 48.0) / (known + 2)

    def _hour_rarity(self, user: User, hour: int) -> float:
        hours = [e.time // HOUR % 24 for e in user.events]
        near = sum(1.0 if h == hour else 0.5 if (h - hour) % 24 in {1, 23} else 0.0 for h in hours)
        usual = (self.hours.count(hour) + 1) / (len(self.hours) + 24)
        return -math.log(24 * (near / 2 + 20 * usual) / (len(hours) + 20))

    @staticmethod
    def _novelty(event: Event, user: User) -> dict[str, float]:
        found = dict.fromkeys(("merchant_novelty", "category_rarity", "new_device", "new_country"), 0.0)
        if event.merchant is not None:
            found["merchant_novelty"] = -math.log(1 + user.merchants.seen(event.merchant))
        if event.category is not None:
            share = (user.categories.seen(event.category) + 0.15) / (user.categories.total() + 3)
            found["category_rarity"] = -math.log(share)
        if event.device is not None:
            found["new_device"] = float(bool(user.devices) and event.device not in user.devices[-4:])
        if event.country is not None:
            found["new_country"] = float(bool(user.countries) and event.country not in user.countries[-4:])
        return found

    @staticmethod
    def _merchant(
        event: Event, user: User, merchant: Merchant | None, amount: float, everybody: float
    ) -> dict[str, float]:
        if merchant is None or event.merchant is None:
            return {"merchant_amount_ratio": 0.0, "merchant_rush": 0.0}
        known = min(len(merchant.payments), 200)
        mean = (merchant.amount_mean * known + 5 * everybody) / (known + 5)
        if not merchant.payments:
            merchant.first = event.time
        moment = max([event.time, *(m for m, _ in merchant.payments)])
        strange = [(moment - m) / HOUR for m, stranger in merchant.payments if stranger]
        hour = sum(math.exp(-age) for age in strange)
        month = sum(math.exp(-age / 720) for age in strange)
        known_for = max(event.time - merchant.first, HOUR) / HOUR
        usual = month / (720 * (1 - math.exp(-known_for / 720)))
        stranger = user.merchants.seen(event.merchant) == 0
        rush = math.log((1 + hour) / (1 + usual)) if stranger else 0.0
        if event.amount >= 0:
            clipped = min(amount, 5 * mean + 1)
            merchant.amount_mean += (clipped - merchant.amount_mean) / min(len(merchant.payments) + 1, 200)
        merchant.payments.append((event.time, stranger))
        return {"merchant_amount_ratio": math.log((amount + 0.5) / (mean + 0.5)), "merchant_rush": rush}

    @staticmethod
    def _travel(event: Event, user: User) -> float:
        if event.place is None:
            return 0.0
        speed = 0.0
        if user.place is not None:
            (a, b), (c, d) = (tuple(map(math.radians, p)) for p in (user.place, event.place))
            inner = math.sin(a) * math.sin(c) + math.cos(a) * math.cos(c) * math.cos(d - b)
            way = 6371.0 * math.acos(max(-1.0, min(1.0, inner)))
            hours = max(abs(event.time - user.placed_at) / HOUR, 1 / 60)
            speed = math.log(1 + max(0.0, way - 20) / hours / 100)
        if user.place is None or event.time >= user.placed_at:
            user.place, user.placed_at = event.place, event.time
        return speed

    def _learn(self, event: Event, user: User, *, mean: float, moment: int, gap: float) -> None:
        amount = max(event.amount, 0.0)
        if user.events and event.time == moment:
            user.gaps.append(gap)
        user.events.append(event)
        user.moments.append(moment)
        user.means.append(mean)
        self.hours.append(event.time // HOUR % 24)
        if event.merchant is not None:
            user.merchants.add(event.merchant)
        if event.category is not None:
            user.categories.add(event.category)
        for names, name in ((user.devices, event.device), (user.countries, event.country)):
            if name is not None and name not in names[-4:]:
                names.append(name)
        if event.amount < 0:
            return
        weight = 1 / min(user.amounts + 1, 64)
        user.amount_mean += weight * (min(amount, 3 * mean) - user.amount_mean)
        user.amount_square += weight * (min((amount - mean) ** 2, 9 * mean * mean) - user.amount_square)
        user.amounts += 1
        if self.shared_count == 0:
            self.shared_mean = amount
        self.shared_count += 1
        self.shared_mean += (min(amount, 5 * self.shared_mean + 1) - self.shared_mean) / self.shared_count
