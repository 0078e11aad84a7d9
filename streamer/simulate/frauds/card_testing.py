"""Card testing: tiny payments show that a stolen card works, then often comes a large one.

4 to 8 payments of 0.50 to 3 currency units at one online shop, seconds to minutes apart; in
70 % of cases a large purchase elsewhere follows within an hour.
"""

from streamer.simulate.config import FraudKind
from streamer.simulate.frauds.scene import MINUTE_MS, Scene
from streamer.simulate.payments import NO_DEVICE, NOWHERE, Payment

MOST_TINY = 3.0

_TINY = (0.5, MOST_TINY)
_TESTS = (4, 8)
_TESTED_AT = ("digital", "entertainment", "marketplace")
_SPENT_AT = ("electronics", "marketplace", "travel")
_CASHED_IN = 0.7
_LARGE_FACTOR = (2.0, 6.0)
_LEAST_LARGE = 60.0
_GAP_MINUTES = (0.1, 3.0)
_PAUSE_MINUTES = (3.0, 50.0)
_WITH_DEVICE = 0.4


def strike(scene: Scene, victims: int) -> list[Payment]:
    """Return the payments of this many tested cards."""
    return [payment for incident in range(victims) for payment in _test(scene, incident)]


def _test(scene: Scene, incident: int) -> list[Payment]:
    user = scene.victim()
    episode = scene.episode(FraudKind.CARD_TESTING, incident)
    device = scene.unknown_device() if scene.happens(_WITH_DEVICE) else NO_DEVICE
    shop = scene.online_shop(*_TESTED_AT)
    time = scene.world.midnight(scene.day) + int(scene.rng.integers(24 * 60 * MINUTE_MS))
    made = []
    for _ in range(int(scene.rng.integers(_TESTS[0], _TESTS[1] + 1))):
        amount = scene.between(*_TINY)
        made.append(Payment(user, shop, time, amount, NOWHERE, device, FraudKind.CARD_TESTING, episode))
        time += int(scene.between(*_GAP_MINUTES) * MINUTE_MS)
    if scene.happens(_CASHED_IN):
        time += int(scene.between(*_PAUSE_MINUTES) * MINUTE_MS)
        shop = scene.online_shop(*_SPENT_AT)
        amount = max(_LEAST_LARGE, scene.amount(user, shop) * scene.between(*_LARGE_FACTOR))
        made.append(Payment(user, shop, time, amount, NOWHERE, device, FraudKind.CARD_TESTING, episode))
    return made
