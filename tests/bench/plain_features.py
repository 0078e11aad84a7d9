"""The feature table as a user of a stream library would write it: plain Python on a dictionary for each user.

It stands for the peer of `make bench` and shares nothing with the worker but the names of features; a
test holds both against each other. Merchants and what all users share are kept in the process, though
a peer would have to keep them as safely as users: that is in its favour.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

HOUR = 3_600_000
DAY_H, WEEK_H, MONTH_H = 24.0, 168.0, 720.0
WINDOW = 32

User = dict[str, Any]
"""JSON: numbers, lists and names."""


def new_user() -> User:
    numbers = (
        "count",
        "mean",
        "square",
        "amounts",
        "gap",
        "gaps",
        "time",
        "c1",
        "c24",
        "c168",
        "small",
        "s24",
        "s168",
        "x",
    )
    lists: User = {"merchants": [], "categories": [], "devices": [], "countries": [], "place": None, "window": []}
    return {**dict.fromkeys(numbers, 0), "hours": [0] * 24, **lists}


@dataclass
class Everybody:
    """What is not one user's."""

    mean: float = 0.0
    count: int = 0
    hours: list[int] = field(default_factory=lambda: [0] * 24)
    merchants: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Moment:
    """Hours since the user's newest event, hours before it, and the user's mean gap."""

    elapsed: float
    late: float
    usual: float


def features(event: Mapping[str, Any], user: User, shared: Everybody) -> dict[str, float]:
    """Return the features of an event by name, and learn it."""
    time, amount = int(event["timestamp"]), max(float(event["amount"]), 0.0)
    everybody = shared.mean if shared.count else amount
    known = min(user["amounts"], 64)
    mean = (user["mean"] * known + 2 * everybody) / (known + 2)
    first = user["count"] == 0
    elapsed = MONTH_H if first else min(max(time - user["time"], 0) / HOUR, MONTH_H)
    late = 0.0 if first else max(user["time"] - time, 0) / HOUR
    gaps = min(user["gaps"], 64)
    usual = (user["gap"] * gaps + 48.0) / (gaps + 2)
    moment = Moment(elapsed, late, usual)
    seen = _seen(user["merchants"], event.get("merchant_id"))
    found = {
        "history": math.log(1 + user["count"]),
        **_velocity(user, float(event["amount"]), mean, moment),
        **_merchant(event, seen, amount, everybody, shared),
        **_novelty(event, user, seen),
        **_travel(event, user, time),
        **_amount(user, float(event["amount"]), mean, known, shared),
        **_rhythm(user, shared, time, moment),
    }
    user["count"] += 1
    return found


def _amount(user: User, signed: float, mean: float, known: int, shared: Everybody) -> dict[str, float]:
    amount = max(signed, 0.0)
    square = (user["square"] * known + mean * mean) / (known + 2)
    found = {
        "log_amount": math.log(amount + 0.5),
        "amount_ratio": math.log((amount + 0.5) / (mean + 0.5)),
        "amount_deviation": (amount - mean) / (math.sqrt(square) + 0.05 * mean + 0.001),
    }
    if signed >= 0:
        weight = 1 / min(user["amounts"] + 1, 64)
        user["mean"] += weight * (min(amount, 3 * mean) - user["mean"])
        user["square"] += weight * (min((amount - mean) ** 2, 9 * mean * mean) - user["square"])
        user["amounts"] += 1
        if shared.count == 0:
            shared.mean = amount
        shared.count = min(shared.count + 1, 100_000)
        shared.mean += (min(amount, 5 * shared.mean + 1) - shared.mean) / shared.count
    return found


def _velocity(user: User, signed: float, mean: float, moment: Moment) -> dict[str, float]:
    amount, typical = max(signed, 0.0), mean + 0.5
    elapsed, late, usual = moment.elapsed, moment.late, moment.usual
    for name, horizon in (
        ("c1", 1),
        ("small", 1),
        ("c24", DAY_H),
        ("s24", DAY_H),
        ("c168", WEEK_H),
        ("s168", WEEK_H),
        ("x", WEEK_H),
    ):
        user[name] *= math.exp(-elapsed / horizon)
    excess = max(0.0, math.log((amount + 0.5) / typical) - 0.7)
    found = {
        "count_1h": math.log(1 + user["c1"]),
        "count_1d": math.log((1 + user["c24"]) / (1 + DAY_H / usual)),
        "count_7d": math.log((1 + user["c168"]) / (1 + WEEK_H / usual)),
        "small_count_1h": math.log(1 + user["small"]),
        "sum_1d": math.log((typical + user["s24"] + amount) / (typical * (1 + DAY_H / usual))),
        "sum_7d": math.log((typical + user["s168"] + amount) / (typical * (1 + WEEK_H / usual))),
        "excess_7d": user["x"] + excess,
    }
    hour, day, week = math.exp(-late), math.exp(-late / DAY_H), math.exp(-late / WEEK_H)
    user["c1"] += hour
    user["c24"] += day
    user["c168"] += week
    user["small"] += hour * (0 <= signed < mean / 4)
    user["s24"] += amount * day
    user["s168"] += amount * week
    user["x"] += excess * week
    return found


def _rhythm(user: User, shared: Everybody, time: int, moment: Moment) -> dict[str, float]:
    gap = max(moment.elapsed, min(moment.late, MONTH_H), 1 / 3600)
    if user["count"] and moment.late == 0:
        user["gap"] += (gap - user["gap"]) / min(user["gaps"] + 1, 64)
        user["gaps"] += 1
    user["time"] = time if user["count"] == 0 else max(user["time"], time)
    hour, hours = time // HOUR % 24, user["hours"]
    near = hours[hour] + 0.5 * hours[(hour + 1) % 24] + 0.5 * hours[hour - 1]
    expected = (shared.hours[hour] + 1) / (sum(shared.hours) + 24)
    rarity = -math.log(24 * (near / 2 + 20 * expected) / (sum(hours) + 20))
    hours[hour] += 1
    shared.hours[hour] += 1
    angle = 2 * math.pi * (time % (24 * HOUR)) / (24 * HOUR)
    return {
        "quickness": -math.log(gap),
        "quickness_ratio": math.log(moment.usual / gap),
        "hour_rarity": rarity,
        "hour_sin": math.sin(angle),
        "hour_cos": math.cos(angle),
    }


def _novelty(event: Mapping[str, Any], user: User, seen: int) -> dict[str, float]:
    merchant, category = event.get("merchant_id"), event.get("category")
    found = {"merchant_novelty": 0.0, "category_rarity": 0.0}
    if merchant is not None:
        found["merchant_novelty"] = -math.log(1 + seen)
        _count(user["merchants"], merchant, 12)
    if category is not None:
        counts = user["categories"]
        found["category_rarity"] = -math.log((_seen(counts, category) + 0.15) / (sum(count for _, count in counts) + 3))
        _count(counts, category, 8)
    for feature, names, name in (
        ("new_device", user["devices"], event.get("device_id")),
        ("new_country", user["countries"], event.get("country")),
    ):
        found[feature] = float(name is not None and bool(names) and name not in names)
        if name is not None and name not in names:
            names.append(name)
            del names[:-4]
    return found


def _seen(counts: list[list[Any]], name: str | None) -> int:
    return next((count for known, count in counts if known == name), 0)


def _count(counts: list[list[Any]], name: str, most: int) -> None:
    """Count a name; a new one takes the place of the rarest."""
    for entry in counts:
        if entry[0] == name:
            entry[1] += 1
            return
    if len(counts) < most:
        counts.append([name, 1])
    else:
        counts[min(range(most), key=lambda place: counts[place][1])] = [name, 1]


def _merchant(
    event: Mapping[str, Any], seen: int, amount: float, everybody: float, shared: Everybody
) -> dict[str, float]:
    name, time = event.get("merchant_id"), int(event["timestamp"])
    if name is None:
        return {"merchant_amount_ratio": 0.0, "merchant_rush": 0.0}
    m = shared.merchants.setdefault(
        name, {"count": 0, "mean": 0.0, "first": time, "time": time, "hour": 0.0, "month": 0.0}
    )
    known = min(m["count"], 200)
    mean = (m["mean"] * known + 5 * everybody) / (known + 5)
    elapsed, known_for = max(time - m["time"], 0) / HOUR, max(time - m["first"], HOUR) / HOUR
    m["hour"] *= math.exp(-elapsed)
    m["month"] *= math.exp(-elapsed / MONTH_H)
    usual = m["month"] / (MONTH_H * (1 - math.exp(-known_for / MONTH_H)))
    rush = math.log((1 + m["hour"]) / (1 + usual)) if seen == 0 else 0.0
    late = max(m["time"] - time, 0) / HOUR
    m["hour"] += math.exp(-late) * (seen == 0)
    m["month"] += math.exp(-late / MONTH_H) * (seen == 0)
    m["time"] = max(m["time"], time)
    if float(event["amount"]) >= 0:
        m["mean"] += (min(amount, 5 * mean + 1) - m["mean"]) / min(m["count"] + 1, 200)
    m["count"] += 1
    return {"merchant_amount_ratio": math.log((amount + 0.5) / (mean + 0.5)), "merchant_rush": rush}


def _travel(event: Mapping[str, Any], user: User, time: int) -> dict[str, float]:
    if event.get("latitude") is None or event.get("longitude") is None:
        return {"travel_speed": 0.0}
    speed, here = 0.0, (math.radians(float(event["latitude"])), math.radians(float(event["longitude"])))
    if user["place"] is not None:
        phi, longitude, at = user["place"]
        inner = math.sin((here[0] - phi) / 2) ** 2
        inner += math.cos(phi) * math.cos(here[0]) * math.sin((here[1] - longitude) / 2) ** 2
        way = 2 * 6371.0 * math.asin(math.sqrt(min(1.0, inner)))
        speed = math.log(1 + max(0.0, way - 20) / max(abs(time - at) / HOUR, 1 / 60) / 100)
    if user["place"] is None or time >= user["place"][2]:
        user["place"] = [*here, time]
    return {"travel_speed": speed}
