"""A simulated event as a row of a file: the transaction and, beside it, the truth."""

from msgspec.structs import astuple

from streamer.events.transaction import Transaction
from streamer.simulate.event import SimulatedEvent


class LabelledTransaction(Transaction, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A transaction with its truth; readers of transactions ignore the additional fields.

    Attributes:
        is_fraud: the truth.
        fraud_kind: a `FraudKind`; absent for an honest payment.
        episode_id: the burst of fraud on one user; absent for an honest payment.
    """

    is_fraud: bool
    fraud_kind: str | None = None
    episode_id: str | None = None


COLUMNS: tuple[str, ...] = LabelledTransaction.__struct_fields__


def values_of(event: SimulatedEvent) -> tuple[object, ...]:
    """Return the values of all `COLUMNS`, None where absent."""
    return (*astuple(event.transaction), event.fraud is not None, event.fraud, event.episode)
