"""Compromised merchant: card data of its customers is stolen and drained at one other shop.

One merchant leaks the cards of regular customers. Within hours, 4 to 10 of them (fewer if it
has fewer) are charged once or twice, for moderate amounts, at one online shop that none of them
need know. For each card this is nearly ordinary; that so many strangers come to one shop at once
is not. Every card is a burst of its own; the incident is the part of its name before the slash.
"""

import numpy as np

from streamer.simulate.config import FraudKind
from streamer.simulate.frauds.scene import MINUTE_MS, Scene
from streamer.simulate.merchants import ONLINE
from streamer.simulate.payments import NO_DEVICE, NOWHERE, Payment
from streamer.simulate.users import NO_MERCHANT

_CARDS = (4, 10)
_TWICE = 0.35
_WITH_DEVICE = 0.4
_SPAN_MINUTES = (30.0, 300.0)
_PRICE = (25.0, 160.0)
_PRICE_SPREAD = (0.8, 1.25)
_AGAIN_MINUTES = (0.5, 15.0)


def strike(scene: Scene, victims: int) -> list[Payment]:
    """Return the payments of incidents with this many victims in the mean."""
    # Incidents are whole: on most days of a small world there is none.
    incidents = int(2 * victims / sum(_CARDS) + scene.rng.random())
    return [payment for incident in range(incidents) for payment in _drain(scene, incident, _stolen_cards(scene))]


def _stolen_cards(scene: Scene) -> list[int]:
    users = scene.world.users
    usual = users.favourites[scene.victim()]
    leak = scene.rng.choice(usual[usual != NO_MERCHANT])
    customers = np.flatnonzero((users.favourites == leak).any(axis=(1, 2, 3)))
    most = int(scene.rng.integers(_CARDS[0], _CARDS[1] + 1))
    return [int(user) for user in scene.rng.permutation(customers)[:most]]


def _drain(scene: Scene, incident: int, cards: list[int]) -> list[Payment]:
    merchants = scene.world.merchants
    shop = int(scene.rng.choice(np.flatnonzero(merchants.place == ONLINE)))
    begin = scene.world.midnight(scene.day) + int(scene.rng.integers(24 * 60)) * MINUTE_MS
    span = scene.between(*_SPAN_MINUTES) * MINUTE_MS
    price = scene.between(*_PRICE)
    made = []
    for victim, user in enumerate(cards):
        episode = scene.episode(FraudKind.COMPROMISED_MERCHANT, incident, victim)
        device = scene.unknown_device() if scene.happens(_WITH_DEVICE) else NO_DEVICE
        time = begin + int(span * scene.rng.random())
        for _ in range(1 + scene.happens(_TWICE)):
            amount = price * scene.between(*_PRICE_SPREAD)
            made.append(Payment(user, shop, time, amount, NOWHERE, device, FraudKind.COMPROMISED_MERCHANT, episode))
            time += int(scene.between(*_AGAIN_MINUTES) * MINUTE_MS)
    return made
