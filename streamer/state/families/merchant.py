"""Merchants: the amount against the merchant's usual one, and a rush of strangers.

A stranger is a user who never paid this merchant before. A merchant whose card data leaked,
or who is used to drain stolen cards, sees many strangers at once. The usual number is the rate
of strangers over 30 d, corrected for merchants known for a shorter time.
"""

import math

from detectors.compiled import compiled
from streamer.state.features import TABLE
from streamer.state.types import EventRow, Fields, MerchantRow, NowRow, Out, SharedRow, UserRow

MERCHANT_FIELDS: Fields = [
    ("count", "u4"),
    ("amount_mean", "f4"),
    ("first_time", "i8"),
    ("last_time", "i8"),
    ("strangers_1h", "f4"),
    ("strangers_30d", "f4"),
]

MERCHANT_AMOUNT_RATIO = TABLE.column("merchant_amount_ratio")
MERCHANT_RUSH = TABLE.column("merchant_rush")

HOUR_MS = 3_600_000
MONTH_H = 30 * 24.0
MEMORY = 200
PRIOR_EVENTS = 5.0


@compiled
def merchant_habits(
    event: EventRow, user: UserRow, merchant: MerchantRow, shared: SharedRow, now: NowRow, out: Out
) -> None:
    """Write merchant_amount_ratio and merchant_rush; learn the payment."""
    out[MERCHANT_AMOUNT_RATIO] = 0.0
    out[MERCHANT_RUSH] = 0.0
    if event.merchant_key == 0:
        return
    events = min(merchant.count, MEMORY)
    mean = (merchant.amount_mean * events + PRIOR_EVENTS * now.everybody) / (events + PRIOR_EVENTS)
    out[MERCHANT_AMOUNT_RATIO] = math.log((now.amount + 0.5) / (mean + 0.5))

    if merchant.count == 0:
        merchant.first_time = event.time
        merchant.last_time = event.time
    elapsed = max(event.time - merchant.last_time, 0) / HOUR_MS
    known_for = max(event.time - merchant.first_time, HOUR_MS) / HOUR_MS
    strangers_1h = merchant.strangers_1h * math.exp(-elapsed)
    strangers_30d = merchant.strangers_30d * math.exp(-elapsed / MONTH_H)
    usual = strangers_30d / (MONTH_H * (1 - math.exp(-known_for / MONTH_H)))
    stranger = 1.0 if now.merchant_seen == 0 else 0.0
    out[MERCHANT_RUSH] = stranger * math.log((1 + strangers_1h) / (1 + usual))

    lateness = max(merchant.last_time - event.time, 0) / HOUR_MS
    merchant.strangers_1h = strangers_1h + stranger * math.exp(-lateness)
    merchant.strangers_30d = strangers_30d + stranger * math.exp(-lateness / MONTH_H)
    merchant.last_time = max(merchant.last_time, event.time)
    if event.amount >= 0:
        clipped = min(now.amount, 5 * mean + 1)
        merchant.amount_mean += (clipped - merchant.amount_mean) / min(merchant.count + 1, MEMORY)
    merchant.count += 1
