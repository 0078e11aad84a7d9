"""All the fraud that begins on one day."""

from collections.abc import Callable

from streamer.simulate.config import FraudKind
from streamer.simulate.frauds import (
    account_takeover,
    amount_inflation,
    card_testing,
    compromised_merchant,
    impossible_travel,
)
from streamer.simulate.frauds.scene import Scene
from streamer.simulate.payments import Payment, Payments
from streamer.simulate.randomness import Stream, generator
from streamer.simulate.world import World

STRIKES: dict[FraudKind, Callable[[Scene, int], list[Payment]]] = {
    FraudKind.ACCOUNT_TAKEOVER: account_takeover.strike,
    FraudKind.COMPROMISED_MERCHANT: compromised_merchant.strike,
    FraudKind.CARD_TESTING: card_testing.strike,
    FraudKind.AMOUNT_INFLATION: amount_inflation.strike,
    FraudKind.IMPOSSIBLE_TRAVEL: impossible_travel.strike,
}


def fraud_beginning(world: World, day: int, honest: Payments) -> Payments:
    """Return the payments of the bursts that begin on a day; some may fall on the next day.

    Args:
        world: where it happens.
        day: number of the day.
        honest: the honest payments of the day.
    """
    config = world.config
    bursts = config.episodes_per_1000_user_days * config.users / 1_000
    made: list[Payment] = []
    for order, (kind, strike) in enumerate(STRIKES.items()):
        rng = generator(config.seed, Stream.FRAUD, day, order)
        victims = int(rng.poisson(bursts * config.mix.share(kind)))
        if victims:
            made += strike(Scene(world, day, honest, rng), victims)
    return Payments.of(made)
