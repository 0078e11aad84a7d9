"""A batch of events as columns: the form in which all later stages see transactions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamer.events.record import Record


@dataclass(frozen=True, slots=True)
class EventBatch:
    """N events of one partition in log order, one row each.

    Attributes:
        records: N source records; provenance and raw bytes.
        transaction_id: N texts.
        user_id: N texts.
        amount: (N,) float64, currency units; positive is money out.
        timestamp: (N,) int64, event time in milliseconds since the epoch, UTC.
        merchant_id: N texts; None where unknown.
        category: N texts; None where unknown.
        currency: N texts; None where unknown.
        channel: N texts; None where unknown.
        country: N texts; None where unknown.
        device_id: N texts; None where unknown.
        latitude: (N,) float64, degrees; 0 where not `located`.
        longitude: (N,) float64, degrees; 0 where not `located`.
        located: (N,) bool, whether both coordinates are known.
    """

    records: tuple[Record, ...]
    transaction_id: tuple[str, ...]
    user_id: tuple[str, ...]
    amount: NDArray[np.float64]
    timestamp: NDArray[np.int64]
    merchant_id: tuple[str | None, ...]
    category: tuple[str | None, ...]
    currency: tuple[str | None, ...]
    channel: tuple[str | None, ...]
    country: tuple[str | None, ...]
    device_id: tuple[str | None, ...]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    located: NDArray[np.bool_]

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.records)
