"""Amount inflation: an ordinary payment, but for 4 to 15 times the ordinary amount.

User, hour, merchant, place and device are drawn exactly as for an honest payment; only the
amount tells.
"""

from dataclasses import replace

from streamer.simulate.config import FraudKind
from streamer.simulate.frauds.scene import Scene
from streamer.simulate.payments import Payment
from streamer.simulate.randomness import log_uniform

FACTOR = (4.0, 15.0)


def strike(scene: Scene, victims: int) -> list[Payment]:
    """Return at most this many inflated payments: those in transit make none."""
    world, rng = scene.world, scene.rng
    user = rng.integers(len(world.users), size=victims)
    hour = world.users.pay_hours(rng, user)
    factor = log_uniform(rng, *FACTOR, victims)
    made = world.ordinary(
        rng, scene.day, user=user, local_hour=hour, category=world.categories(rng, user), factor=factor
    )
    return [
        replace(payment, kind=FraudKind.AMOUNT_INFLATION, episode=scene.episode(FraudKind.AMOUNT_INFLATION, incident))
        for incident, payment in enumerate(made.singly())
    ]
