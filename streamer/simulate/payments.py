"""Payments as columns of numbers: the form in which a day is made, before names are given."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from streamer.simulate.config import FraudKind

NOWHERE = -1
NO_DEVICE = 0


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment; the attributes are those of `Payments`."""

    user: int
    merchant: int
    time: int
    amount: float
    place: int
    device: int
    kind: FraudKind | None = None
    episode: str | None = None


@dataclass(frozen=True, slots=True)
class Payments:
    """N payments as columns.

    Attributes:
        user: (N,) int64, index of the user.
        merchant: (N,) int64, index of the merchant.
        time: (N,) int64, milliseconds since the epoch.
        amount: (N,) float64, currency units; negative for a refund.
        place: (N,) int64, city of a payment in a shop; `NOWHERE` for one online.
        device: (N,) uint64, the payer's device; `NO_DEVICE` where none is involved.
        kind: (N,) of `FraudKind`, or None for an honest payment.
        episode: (N,) texts naming the fraud burst, or None.
    """

    user: NDArray[np.int64]
    merchant: NDArray[np.int64]
    time: NDArray[np.int64]
    amount: NDArray[np.float64]
    place: NDArray[np.int64]
    device: NDArray[np.uint64]
    kind: NDArray[np.object_]
    episode: NDArray[np.object_]

    def __len__(self) -> int:
        """Count the payments."""
        return len(self.user)

    def rows(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> "Payments":
        """Select rows, in the order of `index`."""
        return Payments(*(getattr(self, column.name)[index] for column in fields(self)))

    def singly(self) -> list[Payment]:
        """Return the rows as single payments."""
        columns = (getattr(self, column.name).tolist() for column in fields(self))
        return [Payment(*row) for row in zip(*columns, strict=True)]

    @staticmethod
    def honest(
        *,
        user: NDArray[np.int64],
        merchant: NDArray[np.int64],
        time: NDArray[np.int64],
        amount: NDArray[np.float64],
        place: NDArray[np.int64],
        device: NDArray[np.uint64],
    ) -> "Payments":
        """Make columns of honest payments."""
        nothing = np.full(len(user), None, dtype=np.object_)
        return Payments(user, merchant, time, amount, place, device, nothing, nothing)

    @staticmethod
    def of(payments: Sequence[Payment]) -> "Payments":
        """Make columns of single payments."""
        return Payments(
            np.array([each.user for each in payments], dtype=np.int64),
            np.array([each.merchant for each in payments], dtype=np.int64),
            np.array([each.time for each in payments], dtype=np.int64),
            np.array([each.amount for each in payments], dtype=np.float64),
            np.array([each.place for each in payments], dtype=np.int64),
            np.array([each.device for each in payments], dtype=np.uint64),
            np.array([each.kind for each in payments], dtype=np.object_),
            np.array([each.episode for each in payments], dtype=np.object_),
        )

    @staticmethod
    def concatenate(parts: Sequence["Payments"]) -> "Payments":
        """Join payments, in order; at least one part."""
        return Payments(
            *(np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(Payments))
        )
