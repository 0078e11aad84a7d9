"""Account takeover: someone else logs in and buys online, quickly, what can be resold.

3 to 8 payments within minutes to an hour, at unfamiliar shops, for more than the user's habit,
from a device never seen. Two fifths strike at night. Hard ones: the session is hijacked on the
user's own device (15 %), or the amounts stay ordinary (25 %).
"""

from streamer.simulate.config import FraudKind
from streamer.simulate.frauds.scene import MINUTE_MS, Scene
from streamer.simulate.journeys import devices_on
from streamer.simulate.payments import NOWHERE, Payment

_GOODS = ("electronics", "marketplace", "clothing", "digital", "travel")
_AT_NIGHT = 0.4
_HIJACKED = 0.15
_MODEST = 0.25
_MODEST_FACTOR = (0.7, 1.5)
_GREEDY_FACTOR = (2.0, 6.0)
_GAP_MINUTES = (0.5, 8.0)


def strike(scene: Scene, victims: int) -> list[Payment]:
    """Return the payments of this many takeovers."""
    return [payment for incident in range(victims) for payment in _takeover(scene, incident)]


def _takeover(scene: Scene, incident: int) -> list[Payment]:
    user = scene.victim()
    episode = scene.episode(FraudKind.ACCOUNT_TAKEOVER, incident)
    hour = scene.night_hour() if scene.happens(_AT_NIGHT) else scene.usual_hour(user)
    factor = _MODEST_FACTOR if scene.happens(_MODEST) else _GREEDY_FACTOR
    device = scene.unknown_device()
    if scene.happens(_HIJACKED):
        phones, _ = devices_on(scene.world.config.seed, scene.world.users, scene.day)
        device = int(phones[user])
    time = scene.moment(user, hour)
    made = []
    for _ in range(int(scene.rng.integers(3, 9))):
        shop = scene.online_shop(*_GOODS)
        amount = scene.amount(user, shop) * scene.between(*factor)
        made.append(Payment(user, shop, time, amount, NOWHERE, device, FraudKind.ACCOUNT_TAKEOVER, episode))
        time += int(scene.between(*_GAP_MINUTES) * MINUTE_MS)
    return made
