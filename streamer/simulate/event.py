"""What a simulation yields: transactions with the truth beside them."""

from typing import NamedTuple

import msgspec

from streamer.events.transaction import Transaction
from streamer.simulate.config import FraudKind

_ENCODER = msgspec.json.Encoder()


class SimulatedEvent(NamedTuple):
    """One transaction and what only the simulator knows about it.

    Attributes:
        transaction: the canonical transaction; nothing in it tells fraud.
        fraud: the kind of fraud, None for an honest payment.
        episode: names the burst of fraud on one user; None for an honest payment. Bursts that
            belong to one incident share the part before the slash.
    """

    transaction: Transaction
    fraud: FraudKind | None
    episode: str | None


def encode(transaction: Transaction) -> bytes:
    """Return the canonical JSON of a transaction: fields in order, absent ones left out."""
    return _ENCODER.encode(transaction)
