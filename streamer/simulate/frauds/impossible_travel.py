"""Impossible travel: a cloned card pays far away shortly after its owner paid in a shop.

1 to 3 payments in a city at least 800 km away, 10 to 100 minutes after an honest payment in a
shop, minutes apart, for ordinary to fourfold amounts.
"""

import numpy as np

from streamer.simulate.config import FraudKind
from streamer.simulate.frauds.scene import MINUTE_MS, Scene
from streamer.simulate.payments import NO_DEVICE, NOWHERE, Payment
from streamer.simulate.places import CITIES, distances_km

LEAST_KM = 800.0
LONGEST_PAUSE_MINUTES = 100.0

_PAUSE_MINUTES = (10.0, LONGEST_PAUSE_MINUTES)
_GAP_MINUTES = (3.0, 40.0)
_FACTOR = (0.8, 4.0)
_GOODS = ("clothing", "electronics", "grocery", "restaurant", "fuel", "entertainment")


def strike(scene: Scene, victims: int) -> list[Payment]:
    """Return the payments of this many cloned cards; none if nobody paid in a shop that day."""
    in_shops = np.flatnonzero(scene.honest.place != NOWHERE)
    if not len(in_shops):
        return []
    chosen = scene.rng.choice(in_shops, size=victims)
    return [payment for incident, row in enumerate(chosen) for payment in _clone(scene, incident, int(row))]


def _clone(scene: Scene, incident: int, row: int) -> list[Payment]:
    user, here = int(scene.honest.user[row]), CITIES[int(scene.honest.place[row])]
    episode = scene.episode(FraudKind.IMPOSSIBLE_TRAVEL, incident)
    far = np.flatnonzero(distances_km(here.latitude, here.longitude) >= LEAST_KM)
    city = int(scene.rng.choice(far))
    time = int(scene.honest.time[row])
    pause = scene.between(*_PAUSE_MINUTES)
    made = []
    for _ in range(int(scene.rng.integers(1, 4))):
        time += int(pause * MINUTE_MS)
        shop = scene.shop_in(city, *_GOODS)
        amount = scene.amount(user, shop) * scene.between(*_FACTOR)
        made.append(Payment(user, shop, time, amount, city, NO_DEVICE, FraudKind.IMPOSSIBLE_TRAVEL, episode))
        pause = scene.between(*_GAP_MINUTES)
    return made
