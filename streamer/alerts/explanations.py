"""What each feature says in words: one function a feature, one table of all.

A function returns None where its statement would be untrue or not worth saying. Means and
counts are smoothed and lists of known names are short, so no text claims more than they hold.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from streamer.alerts.situation import DAY_H, WEEK_H, Situation
from streamer.alerts.wording import (
    about_words,
    amount_words,
    count_words,
    duration_words,
    every_words,
    ordinal,
    percent_words,
    times_words,
)
from streamer.state.families.velocity import EXCESS_FROM
from streamer.state.features import WINDOW

TELLING = 1.5
"""A value must be this many times the usual one, or this many times less, to be stated."""

ACQUAINTED = 3
"""Events after which a user's own mean outweighs everybody's."""

SHORTEST_USUAL_GAP_H = 1 / 60
"""Where people pay by the second, a gap says nothing."""

FAST_KMH = 200.0
"""Slower journeys are everyday ones."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A text and the numbers behind it, in natural units."""

    text: str
    value: float
    typical: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a feature is explained.

    Attributes:
        code: stable name of the statement.
        topic: of the statements of one topic only the strongest is made.
        unit: unit of value and typical value.
        lower: whether it is a low natural value that is risky.
        state: makes the statement.
    """

    code: str
    topic: str
    unit: str
    state: Callable[[Situation], Statement | None]
    lower: bool = False


def _usually(now: Situation, what: str) -> str:
    return f"usually {what}" if now.earlier >= ACQUAINTED else f"{what} would be expected"


def _times(now: Situation, usual: float, whose: str) -> Statement | None:
    if now.amount < 0.01 or now.amount < TELLING * usual:
        return None
    relation = f"is {times_words(now.amount / usual)}" if usual >= 0.01 else "stands against"
    text = f"Amount {amount_words(now.amount)} {relation} {whose.format(amount_words(usual))}."
    return Statement(text, now.amount, usual)


def _high_amount(now: Situation) -> Statement | None:
    return _times(now, max(math.exp(now.typical["log_amount"]) - 0.5, 0.0), "the {} usual among all payments")


def _high_for_user(now: Situation) -> Statement | None:
    whose = "this user's usual {}" if now.earlier >= ACQUAINTED else "the {} expected of a user so little known"
    return _times(now, now.user_mean, whose)


def _high_for_merchant(now: Situation) -> Statement | None:
    if not now.merchant_known:
        return None
    return _times(now, now.mean_behind("merchant_amount_ratio"), "the {} expected at this merchant")


def _outlier(now: Situation) -> Statement | None:
    deviation, typical = now.features["amount_deviation"], now.typical["amount_deviation"]
    if now.earlier < ACQUAINTED or deviation < 2 or deviation < TELLING * typical:
        return None
    text = (
        f"Amount {amount_words(now.amount)} lies about {deviation:,.1f} standard deviations above "
        f"this user's mean of {amount_words(now.user_mean)}."
    )
    return Statement(text, deviation, typical)


def _repeated_excess(now: Situation) -> Statement | None:
    total, typical = now.features["excess_7d"], now.typical["excess_7d"]
    before = total - max(0.0, now.features["amount_ratio"] - EXCESS_FROM)
    # Without a remainder from earlier payments it would be this one's amount told again.
    if before < 0.3 or total < TELLING * typical:
        return None
    return Statement("Unusually high amounts have piled up within about a week.", total, typical)


def _gap(now: Situation, usual_h: float, whose: str) -> Statement | None:
    if now.earlier == 0 or not now.in_order or now.waited_h * TELLING > usual_h or usual_h < SHORTEST_USUAL_GAP_H:
        return None
    text = f"{duration_words(now.waited_h)} after the previous payment; {whose.format(duration_words(usual_h))}."
    return Statement(text, 60 * now.waited_h, 60 * usual_h)


def _quick(now: Situation) -> Statement | None:
    return _gap(now, math.exp(-now.typical["quickness"]), "{} are usual among all users")


def _quick_for_user(now: Situation) -> Statement | None:
    return _gap(now, now.usual_gap_h, _usually(now, "{}"))


def _count(now: Situation, count: int, horizon_h: float, horizon: str) -> Statement | None:
    usual = horizon_h / now.usual_gap_h
    if count < 2 or count < TELLING * usual:
        return None
    what = f"{ordinal(count)} payment" if count < WINDOW else f"At least {count} payments"
    text = f"{what} within {horizon}; {_usually(now, every_words(1 / now.usual_gap_h))}."
    return Statement(text, count, usual)


def _count_1h(now: Situation) -> Statement | None:
    return _count(now, now.count_1h, 1.0, "an hour")


def _count_1d(now: Situation) -> Statement | None:
    return _count(now, now.count_24h, DAY_H, "24 hours")


def _count_7d(now: Situation) -> Statement | None:
    return _count(now, now.count_7d, WEEK_H, "7 days")


def _small_payments(now: Situation) -> Statement | None:
    decayed, typical = math.expm1(now.features["small_count_1h"]), math.expm1(now.typical["small_count_1h"])
    if decayed < 0.9 or decayed < TELLING * typical:
        return None
    # Every payment weighs at most 1, so there were at least this many.
    payments = count_words(math.ceil(decayed - 0.01), "unusually small payment")
    return Statement(f"At least {payments} shortly before, as when a stolen card is tried out.", decayed, typical)


def _spent(now: Situation, feature: str, horizon_h: float, horizon: str) -> Statement | None:
    total, usual = now.spent(feature, horizon_h)
    if total < 0.01 or total < TELLING * usual:
        return None
    usually = _usually(now, f"{about_words(usual)} a {horizon}")
    return Statement(f"About {about_words(total)} spent within a {horizon}; {usually}.", total, usual)


def _spent_1d(now: Situation) -> Statement | None:
    return _spent(now, "sum_1d", DAY_H, "day")


def _spent_7d(now: Situation) -> Statement | None:
    return _spent(now, "sum_7d", WEEK_H, "week")


def _new_merchant(now: Situation) -> Statement | None:
    seen, typical = math.expm1(-now.features["merchant_novelty"]), math.expm1(-now.typical["merchant_novelty"])
    if now.earlier < ACQUAINTED or not now.merchant_known or seen > 0.5 or typical < 0.5:
        return None
    return Statement("This merchant is none of the user's usual ones.", 0.0, typical)


def _rare_category(now: Situation) -> Statement | None:
    share, typical = math.exp(-now.features["category_rarity"]), math.exp(-now.typical["category_rarity"])
    if now.earlier < ACQUAINTED or share > 0.2 or share * TELLING > typical:
        return None
    text = f"Payments of this category are rare for this user: {percent_words(share)} of all."
    return Statement(text, 100 * share, 100 * typical)


def _rare_hour(now: Situation) -> Statement | None:
    share, typical = math.exp(-now.features["hour_rarity"]) / 24, math.exp(-now.typical["hour_rarity"]) / 24
    if share * TELLING > min(typical, 1 / 24):
        return None
    whose = "this user's" if now.earlier >= ACQUAINTED else "all"
    span = f"{now.hour:02d}:00 and {now.hour + 1:02d}:00 UTC"
    text = f"Between {span}, {percent_words(share)} of {whose} payments are to be expected."
    return Statement(text, 100 * share, 100 * typical)


def _fast_journey(now: Situation) -> Statement | None:
    speed, typical = 100 * math.expm1(now.features["travel_speed"]), 100 * math.expm1(now.typical["travel_speed"])
    if speed < FAST_KMH or speed < TELLING * typical:
        return None
    return Statement(f"Coming here from the last known place in time takes {speed:,.0f} km/h.", speed, typical)


def _new_device(now: Situation) -> Statement | None:
    known = now.features["new_device"] < 0.5
    return None if known else Statement("This device is none of the user's known ones.", 1.0, 0.0)


def _new_country(now: Situation) -> Statement | None:
    known = now.features["new_country"] < 0.5
    return None if known else Statement("This country is none of the user's known ones.", 1.0, 0.0)


def _rush(now: Situation) -> Statement | None:
    factor = math.exp(now.features["merchant_rush"])
    if factor < TELLING:
        return None
    text = f"First-time customers come to this merchant about {times_words(factor)} as fast as usual."
    return Statement(text, factor, 1.0)


EXPLANATIONS: dict[str, Explanation] = {
    "log_amount": Explanation("high_amount", "amount", "currency", _high_amount),
    "amount_ratio": Explanation("high_amount_for_user", "user's amount", "currency", _high_for_user),
    "amount_deviation": Explanation("outlying_amount", "user's amount", "standard deviations", _outlier),
    "merchant_amount_ratio": Explanation(
        "high_amount_for_merchant", "merchant's amount", "currency", _high_for_merchant
    ),
    "excess_7d": Explanation("repeated_high_amounts", "excess", "ln(times)", _repeated_excess),
    "quickness": Explanation("short_gap", "gap", "minutes", _quick, lower=True),
    "quickness_ratio": Explanation("short_gap_for_user", "gap", "minutes", _quick_for_user, lower=True),
    "count_1h": Explanation("many_payments_1h", "count 1 h", "payments/h", _count_1h),
    "count_1d": Explanation("many_payments_24h", "count 24 h", "payments/24 h", _count_1d),
    "count_7d": Explanation("many_payments_7d", "count 7 d", "payments/7 d", _count_7d),
    "small_count_1h": Explanation("small_payments_1h", "small payments", "payments/h", _small_payments),
    "sum_1d": Explanation("high_spending_1d", "spending", "currency/d", _spent_1d),
    "sum_7d": Explanation("high_spending_7d", "spending", "currency/7 d", _spent_7d),
    "merchant_novelty": Explanation("new_merchant", "merchant", "earlier payments", _new_merchant, lower=True),
    "category_rarity": Explanation("rare_category", "category", "%", _rare_category, lower=True),
    "hour_rarity": Explanation("rare_hour", "hour", "%", _rare_hour, lower=True),
    "travel_speed": Explanation("fast_journey", "journey", "km/h", _fast_journey),
    "new_device": Explanation("new_device", "device", "1", _new_device),
    "new_country": Explanation("new_country", "country", "1", _new_country),
    "merchant_rush": Explanation("merchant_rush", "rush", "times", _rush),
}
"""Every feature with a risk direction; context features explain nothing by themselves."""
