"""Time: how soon after the previous event, and at which hour of the user's day.

A late event is as far from the newest one as it lies before it, and teaches nothing of gaps.
The shortest gap is 1 s, the longest 30 d, which is also the gap of a first event. A user's mean
gap is drawn towards 1 d with the weight of 2 events. Hours are UTC.
"""

import math

from detectors.compiled import compiled
from streamer.state.features import TABLE
from streamer.state.types import EventRow, Fields, MerchantRow, NowRow, Out, SharedRow, UserRow

USER_FIELDS: Fields = [("last_time", "i8"), ("gap_mean", "f4"), ("gap_count", "u4"), ("hours", "u2", (24,))]
SHARED_FIELDS: Fields = [("hours", "f8", (24,))]

QUICKNESS = TABLE.column("quickness")
QUICKNESS_RATIO = TABLE.column("quickness_ratio")
HOUR_RARITY = TABLE.column("hour_rarity")
HOUR_SIN = TABLE.column("hour_sin")
HOUR_COS = TABLE.column("hour_cos")

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
LONGEST_GAP_H = 30 * 24.0
SHORTEST_GAP_H = 1 / 3600
MEMORY = 64
PRIOR_GAP_H = 24.0
PRIOR_EVENTS = 2.0
PRIOR_HOURS = 20.0
MOST = 65_535


@compiled
def elapsed_hours(event: EventRow, user: UserRow) -> float:
    """Return hours since the user's newest event, not below 0; 30 d for a first event."""
    if user.count == 0:
        return LONGEST_GAP_H
    return float(min(max(event.time - user.last_time, 0) / HOUR_MS, LONGEST_GAP_H))


@compiled
def lateness_hours(event: EventRow, user: UserRow) -> float:
    """Return hours by which the event lies before the user's newest one; 0 if it does not."""
    if user.count == 0:
        return 0.0
    return float(max(user.last_time - event.time, 0) / HOUR_MS)


@compiled
def expected_gap(user: UserRow) -> float:
    """Return the user's mean gap in hours before this event."""
    gaps = min(user.gap_count, MEMORY)
    return float((user.gap_mean * gaps + PRIOR_EVENTS * PRIOR_GAP_H) / (gaps + PRIOR_EVENTS))


@compiled
def rhythm(event: EventRow, user: UserRow, merchant: MerchantRow, shared: SharedRow, now: NowRow, out: Out) -> None:
    """Write quickness, quickness_ratio, hour_rarity, hour_sin and hour_cos; learn the time."""
    gap = max(now.elapsed, min(now.lateness, LONGEST_GAP_H), SHORTEST_GAP_H)
    out[QUICKNESS] = -math.log(gap)
    out[QUICKNESS_RATIO] = math.log(now.gap / gap)
    if user.count > 0 and now.lateness == 0:
        user.gap_mean += (gap - user.gap_mean) / min(user.gap_count + 1, MEMORY)
        user.gap_count += 1
    user.last_time = event.time if user.count == 0 else max(user.last_time, event.time)
    hour = (event.time // HOUR_MS) % 24
    angle = 2 * math.pi * (event.time % DAY_MS) / DAY_MS
    out[HOUR_SIN] = math.sin(angle)
    out[HOUR_COS] = math.cos(angle)
    out[HOUR_RARITY] = -math.log(24 * share_of_hour(user, shared, hour))
    if user.hours[hour] < MOST:
        user.hours[hour] += 1
    shared.hours[hour] += 1


@compiled
def share_of_hour(user: UserRow, shared: SharedRow, hour: int) -> float:
    """Return the hour's share of the user's events, drawn towards everybody's.

    Neighbouring hours count half, so that 13:59 and 14:01 are alike.
    """
    events = 0
    everybody = 0.0
    for each in range(24):
        events += user.hours[each]
        everybody += shared.hours[each]
    near = user.hours[hour] + 0.5 * user.hours[(hour + 1) % 24] + 0.5 * user.hours[(hour + 23) % 24]
    usual = (shared.hours[hour] + 1) / (everybody + 24)
    return float((near / 2 + PRIOR_HOURS * usual) / (events + PRIOR_HOURS))
