"""The memory layout of a partition's state: one structured row a user, a merchant, a partition.

A family declares the fields it needs; here they are joined. One row holds all of a user's
numbers, so that an event touches one place in memory and a snapshot is one array.
"""

import numpy as np

from streamer.state.families import amount, merchant, novelty, rhythm, travel, velocity
from streamer.state.features import WINDOW
from streamer.state.types import Fields

RECENT = 10
"""Payments kept in full for people to read beside an alert."""


def _row(*groups: Fields) -> np.dtype[np.void]:
    fields = [field for group in groups for field in group]
    names = [field[0] for field in fields]
    if len(set(names)) < len(names):
        raise TypeError(f"two families declare one field: {sorted({n for n in names if names.count(n) > 1})}")
    return np.dtype(fields, align=True)


EVENT = _row(
    [
        ("time", "i8"),
        ("amount", "f8"),
        ("latitude", "f8"),
        ("longitude", "f8"),
        ("user", "i4"),
        ("merchant", "i4"),
        ("merchant_key", "u4"),
        ("category_key", "u4"),
        ("device_key", "u4"),
        ("country_key", "u4"),
        ("located", "u1"),
        ("user_is_fresh", "u1"),
        ("merchant_is_fresh", "u1"),
    ]
)
"""One event with names replaced by slots (rows of state) and keys (hashes; 0 is unknown).

The key of a merchant who is not fresh is filled in from the row.
"""

USER = _row(
    [
        ("count", "i8"),
        ("times", "i8", (WINDOW,)),
        ("recent_amounts", "f8", (RECENT,)),
        ("recent_merchants", "i4", (RECENT,)),
        ("recent_merchant_keys", "u4", (RECENT,)),
    ],
    rhythm.USER_FIELDS,
    travel.USER_FIELDS,
    amount.USER_FIELDS,
    velocity.USER_FIELDS,
    novelty.USER_FIELDS,
)
"""Everything remembered of one user except the window of features; zeros for a new one."""

MERCHANT = _row([("key", "u4")], merchant.MERCHANT_FIELDS)
"""Everything remembered of one merchant; row 0 stands for the unknown merchant."""

SHARED = _row([("clock", "i8")], amount.SHARED_FIELDS, rhythm.SHARED_FIELDS)
"""What all users of a partition share; `clock` is the newest event time."""

NOW = _row(
    [
        ("amount", "f8"),
        ("mean", "f8"),
        ("everybody", "f8"),
        ("elapsed", "f8"),
        ("lateness", "f8"),
        ("gap", "f8"),
        ("merchant_seen", "i8"),
    ]
)
"""What several families need to know about the moment before an event.

amount: not below 0; mean: the user's mean amount; everybody: all users' mean amount; elapsed:
hours since the user's newest event; lateness: hours before it; gap: the user's mean gap in
hours; merchant_seen: how often the user paid this merchant.
"""

PAST = _row(
    [
        ("events", "i8"),
        ("count_1h", "i4"),
        ("count_24h", "i4"),
        ("count_7d", "i4"),
        ("recent", "i4"),
        ("times", "i8", (RECENT,)),
        ("amounts", "f8", (RECENT,)),
        ("merchants", "i4", (RECENT,)),
        ("merchant_keys", "u4", (RECENT,)),
    ]
)
"""What people read beside an alert, as of its event.

events: the user's earlier events; count_…: events within the horizon before it, itself included, at
most as many as a window holds; recent: how many of the following rows are filled, newest first,
this event included.
"""
