"""A batch of events as columns: the form in which all later stages see transactions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.events.record import Record


@dataclass(frozen=True, slots=True)
class EventBatch:
    """N events, those of one partition in log order, one row each.

    Attributes:
        records: N source records; provenance and raw bytes.
        arrived: (N,) int64, when the broker got them in milliseconds since the epoch; -1 where unknown.
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
    arrived: NDArray[np.int64]
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

    @classmethod
    def concatenate(cls, parts: "Sequence[EventBatch]") -> "EventBatch":
        """Join batches, in order; at least one. A single one is not copied."""
        if len(parts) == 1:
            return parts[0]
        columns = {field.name: [getattr(part, field.name) for part in parts] for field in fields(cls)}
        return cls(**{name: _joined(values) for name, values in columns.items()})

    def rows(self, start: int, stop: int) -> "EventBatch":
        """Select adjacent rows."""
        return self._each(lambda column: column[start:stop])

    def take(self, rows: Sequence[int]) -> "EventBatch":
        """Select rows, in the order given."""
        return self._each(lambda column: _taken(column, rows))

    def _each(self, change: Callable[[Any], Any]) -> "EventBatch":
        return EventBatch(**{field.name: change(getattr(self, field.name)) for field in fields(self)})


def _taken(column: Any, rows: Sequence[int]) -> Any:
    return column[rows] if isinstance(column, np.ndarray) else tuple(column[row] for row in rows)


def _joined(values: Sequence[Any]) -> Any:
    if isinstance(values[0], np.ndarray):
        return np.concatenate(values)
    joined: list[Any] = []
    for each in values:
        joined += each  # whole parts are copied in half the time that a chain takes
    return tuple(joined)
