"""Velocity: decayed counts and sums of the user's events, against the user's own rate.

A decayed count of horizon h is the sum over earlier events of exp(-age / h); it needs one
number a user where a sliding count needs a list. A refund counts as an event of amount 0. A late
event enters with the weight that it would have by now, so that old payments that arrive today
are no burst.
"""

import math

from detectors.compiled import compiled
from streamer.state.features import TABLE
from streamer.state.types import EventRow, Fields, MerchantRow, NowRow, Out, SharedRow, UserRow

USER_FIELDS: Fields = [
    ("count_1h", "f4"),
    ("count_1d", "f4"),
    ("count_7d", "f4"),
    ("small_1h", "f4"),
    ("sum_1d", "f4"),
    ("sum_7d", "f4"),
    ("excess_7d", "f4"),
]

COUNT_1H = TABLE.column("count_1h")
COUNT_1D = TABLE.column("count_1d")
COUNT_7D = TABLE.column("count_7d")
SMALL_COUNT_1H = TABLE.column("small_count_1h")
SUM_1D = TABLE.column("sum_1d")
SUM_7D = TABLE.column("sum_7d")
EXCESS_7D = TABLE.column("excess_7d")

DAY_H = 24.0
WEEK_H = 7 * 24.0
EXCESS_FROM = 0.7


@compiled
def velocity(event: EventRow, user: UserRow, merchant: MerchantRow, shared: SharedRow, now: NowRow, out: Out) -> None:
    """Write the counts, sums and the excess; learn the event."""
    hour_decay = math.exp(-now.elapsed)
    day_decay = math.exp(-now.elapsed / DAY_H)
    week_decay = math.exp(-now.elapsed / WEEK_H)
    count_1h = user.count_1h * hour_decay
    count_1d = user.count_1d * day_decay
    count_7d = user.count_7d * week_decay
    small_1h = user.small_1h * hour_decay
    sum_1d = user.sum_1d * day_decay
    sum_7d = user.sum_7d * week_decay
    excess = max(0.0, math.log((now.amount + 0.5) / (now.mean + 0.5)) - EXCESS_FROM)
    excess_7d = user.excess_7d * week_decay

    typical = now.mean + 0.5
    out[COUNT_1H] = math.log(1 + count_1h)
    out[COUNT_1D] = math.log((1 + count_1d) / (1 + DAY_H / now.gap))
    out[COUNT_7D] = math.log((1 + count_7d) / (1 + WEEK_H / now.gap))
    out[SMALL_COUNT_1H] = math.log(1 + small_1h)
    out[SUM_1D] = math.log((typical + sum_1d + now.amount) / (typical * (1 + DAY_H / now.gap)))
    out[SUM_7D] = math.log((typical + sum_7d + now.amount) / (typical * (1 + WEEK_H / now.gap)))
    out[EXCESS_7D] = excess_7d + excess

    small = 1.0 if 0 <= event.amount < now.mean / 4 else 0.0
    hour_weight = math.exp(-now.lateness)
    day_weight = math.exp(-now.lateness / DAY_H)
    week_weight = math.exp(-now.lateness / WEEK_H)
    user.count_1h = count_1h + hour_weight
    user.count_1d = count_1d + day_weight
    user.count_7d = count_7d + week_weight
    user.small_1h = small_1h + small * hour_weight
    user.sum_1d = sum_1d + now.amount * day_weight
    user.sum_7d = sum_7d + now.amount * week_weight
    user.excess_7d = excess_7d + excess * week_weight
