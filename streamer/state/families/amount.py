"""Amounts: against everybody, against the user's own mean, in the user's own deviations.

Means forget: the n-th event weighs 1 / min(n, 64). One huge payment must not become the new
normal, so an update is clipped at 3 times the user's mean, at 5 times everybody's. A user's
mean is drawn towards everybody's with the weight of 2 events. Refunds change no mean.
"""

import math

from detectors.compiled import compiled
from streamer.state.features import TABLE
from streamer.state.types import EventRow, Fields, MerchantRow, NowRow, Out, SharedRow, UserRow

USER_FIELDS: Fields = [("amount_mean", "f4"), ("amount_square", "f4"), ("amount_count", "u4")]
SHARED_FIELDS: Fields = [("amount_mean", "f8"), ("amount_count", "f8")]

LOG_AMOUNT = TABLE.column("log_amount")
AMOUNT_RATIO = TABLE.column("amount_ratio")
AMOUNT_DEVIATION = TABLE.column("amount_deviation")

MEMORY = 64
PRIOR_EVENTS = 2.0
SHARED_MEMORY = 100_000.0


@compiled
def expected_amount(user: UserRow, shared: SharedRow, amount: float) -> float:
    """Return the user's mean amount before this event; the event itself if nobody paid before."""
    everybody = shared.amount_mean if shared.amount_count > 0 else amount
    events = min(user.amount_count, MEMORY)
    return float((user.amount_mean * events + PRIOR_EVENTS * everybody) / (events + PRIOR_EVENTS))


@compiled
def amount(event: EventRow, user: UserRow, merchant: MerchantRow, shared: SharedRow, now: NowRow, out: Out) -> None:
    """Write log_amount, amount_ratio and amount_deviation; learn the amount."""
    events = min(user.amount_count, MEMORY)
    mean = now.mean
    prior_square = mean * mean / 2
    square = (user.amount_square * events + PRIOR_EVENTS * prior_square) / (events + PRIOR_EVENTS)
    out[LOG_AMOUNT] = math.log(now.amount + 0.5)
    out[AMOUNT_RATIO] = math.log((now.amount + 0.5) / (mean + 0.5))
    out[AMOUNT_DEVIATION] = (now.amount - mean) / (math.sqrt(square) + 0.05 * mean + 0.001)
    if event.amount < 0:
        return
    weight = 1.0 / min(user.amount_count + 1, MEMORY)
    user.amount_mean += weight * (min(now.amount, 3 * mean) - user.amount_mean)
    difference = now.amount - mean
    user.amount_square += weight * (min(difference * difference, 9 * mean * mean) - user.amount_square)
    user.amount_count += 1
    if shared.amount_count == 0:
        shared.amount_mean = now.amount
    shared.amount_count = min(shared.amount_count + 1, SHARED_MEMORY)
    clipped = min(now.amount, 5 * shared.amount_mean + 1)
    shared.amount_mean += (clipped - shared.amount_mean) / shared.amount_count
