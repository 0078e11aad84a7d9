"""Plain transactions turned into columns."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from msgspec.structs import astuple
from numpy.typing import NDArray

from streamer.events.event import EventBatch
from streamer.events.plain import PlainTransaction
from streamer.events.record import Record


class _Columns(NamedTuple):
    """The fields of `PlainTransaction`, in its order, one entry an event."""

    transaction_id: tuple[str, ...] = ()
    user_id: tuple[str, ...] = ()
    amount: tuple[float, ...] = ()
    timestamp: tuple[int, ...] = ()
    merchant_id: tuple[str | None, ...] = ()
    category: tuple[str | None, ...] = ()
    currency: tuple[str | None, ...] = ()
    channel: tuple[str | None, ...] = ()
    country: tuple[str | None, ...] = ()
    latitude: tuple[float | None, ...] = ()
    longitude: tuple[float | None, ...] = ()
    device_id: tuple[str | None, ...] = ()


def columns_of(records: Sequence[Record], events: Sequence[PlainTransaction]) -> EventBatch:
    """Put events side by side, each with the record that it was read from."""
    columns = _Columns(*zip(*map(astuple, events), strict=True))
    latitude, longitude = _degrees(columns.latitude), _degrees(columns.longitude)
    located = ~(np.isnan(latitude) | np.isnan(longitude))
    return EventBatch(
        records=tuple(records),
        arrived=np.array([record.timestamp for record in records], np.int64),
        transaction_id=columns.transaction_id,
        user_id=columns.user_id,
        amount=np.array(columns.amount, np.float64),
        timestamp=np.array(columns.timestamp, np.int64),
        merchant_id=columns.merchant_id,
        category=columns.category,
        currency=columns.currency,
        channel=columns.channel,
        country=columns.country,
        device_id=columns.device_id,
        latitude=np.where(located, latitude, 0.0),
        longitude=np.where(located, longitude, 0.0),
        located=located,
    )


def _degrees(column: tuple[float | None, ...]) -> NDArray[np.float64]:
    """Return coordinates, NaN where unknown: JSON cannot hold that."""
    if column.count(None) == len(column):
        return np.full(len(column), np.nan)  # in no time, unlike a None turned into NaN
    return np.array(column, np.float64)
