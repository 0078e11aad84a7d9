"""Single values of a transaction: from what JSON may hold to what the columns hold.

Texts are kept as given: never trimmed, folded or rounded. Every function raises MalformedEvent
and nothing else.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from itertools import product

from streamer.errors import MalformedEvent, RejectReason

Number = int | float | str

LARGEST_AMOUNT = 1e12
EARLIEST_MS = 946_684_800_000
"""2000-01-01T00:00:00Z."""
LATEST_MS = 4_102_444_800_000
"""2100-01-01T00:00:00Z, exclusive."""
LONGEST_TEXT = 256

SENTINELS = frozenset(
    {"-", "n/a", "nan", "nil", "none", "not provided", "not_provided", "notprovided", "null", "undefined", "unknown"}
)
"""Texts, case folded, by which systems say that they do not know.

"0" is missing on purpose: data sets exist that count their users from 0. So is "na": Namibia.
"""

ASCII_SENTINELS = frozenset(
    "".join(letters) for text in SENTINELS for letters in product(*({each, each.upper()} for each in text))
)
"""Every way to write them in ASCII; to fold the case of all texts takes far longer."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_NUMBER = re.compile(r"[+-]?((\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?|nan|inf(inity)?)", re.ASCII | re.IGNORECASE)
_UNITS = (("seconds", 1e-3), ("microseconds", 1e3), ("nanoseconds", 1e6))


def identifier(field: str, given: int | str) -> str:
    """Return a required id as text.

    Raises:
        MalformedEvent: blank, a sentinel, longer than LONGEST_TEXT, or with a NUL. A sentinel
            must not pass: all payments that bear it would share one window.
    """
    text = str(given)
    if not text or text.isspace():
        raise _out_of_range(field, text, "send the id; an empty one names nobody")
    if text.casefold() in SENTINELS:
        raise _out_of_range(field, text, "send the id, or do not send the event: this text stands for no id at all")
    return _bounded(field, text)


def optional_text(field: str, given: int | str | None) -> str | None:
    """Return an optional text; None where it is absent, blank or a sentinel.

    Raises:
        MalformedEvent: longer than LONGEST_TEXT, or with a NUL.
    """
    if given is None:
        return None
    text = str(given)
    if not text or text.isspace() or text.casefold() in SENTINELS:
        return None
    return _bounded(field, text)


def amount(given: Number) -> float:
    """Return an amount in currency units; positive is money out.

    Raises:
        MalformedEvent: no plain decimal number, not finite, or beyond ±LARGEST_AMOUNT.
    """
    number = _number("amount", given)
    if not -LARGEST_AMOUNT <= number <= LARGEST_AMOUNT:
        raise _out_of_range("amount", str(given), f"send an amount between ±{LARGEST_AMOUNT:.0e} currency units")
    return float(number)


def coordinate(field: str, given: float | str | None, limit: float) -> float | None:
    """Return degrees between -limit and limit; None where absent or blank.

    Raises:
        MalformedEvent: no number, not finite, or beyond the limit.
    """
    if given is None or (isinstance(given, str) and (not given or given.isspace())):
        return None
    degrees = float(_number(field, given))
    if not -limit <= degrees <= limit:
        raise _out_of_range(field, str(given), f"send degrees between -{limit:.0f} and {limit:.0f}")
    return degrees


def timestamp(given: Number) -> int:
    """Return an event time in whole milliseconds since the epoch, rounded down.

    Args:
        given: epoch milliseconds as a number or its digits, or ISO 8601 with a zone.

    Raises:
        MalformedEvent: neither of these, not finite, or outside the years 2000 to 2099.
    """
    if isinstance(given, str) and not _NUMBER.fullmatch(given):
        milliseconds: float = _iso(given)
    else:
        milliseconds = _number("timestamp", given)
    if not EARLIEST_MS <= milliseconds < LATEST_MS:
        raise _out_of_range("timestamp", str(given), _time_remedy(milliseconds))
    return math.floor(milliseconds)


def _number(field: str, given: Number) -> int | float:
    number = given if not isinstance(given, str) else _parse(field, given)
    if isinstance(number, float) and not math.isfinite(number):
        raise MalformedEvent(RejectReason.NOT_FINITE, field=field, value=str(given), remedy="send a finite number")
    return number


def _parse(field: str, given: str) -> float:
    # float() alone would also take blanks around, underscores between and digits of other scripts.
    if not _NUMBER.fullmatch(given):
        raise MalformedEvent(
            RejectReason.WRONG_TYPE,
            field=field,
            value=given,
            remedy="send a plain decimal number such as -1234.50, without currency signs, blanks or "
            "thousands separators, or map the field onto one",
        )
    return float(given)


def _iso(given: str) -> float:
    try:
        moment = datetime.fromisoformat(given.upper())
    except ValueError:
        remedy = "send epoch milliseconds or ISO 8601 with a zone, e.g. 2026-03-29T02:30:00Z"
        raise MalformedEvent(RejectReason.WRONG_TYPE, field="timestamp", value=given, remedy=remedy) from None
    if moment.tzinfo is None:
        remedy = "add the zone, e.g. 2026-03-29T02:30:00+01:00 or …Z: local times repeat and skip hours"
        raise MalformedEvent(RejectReason.WRONG_TYPE, field="timestamp", value=given, remedy=remedy)
    return (moment - _EPOCH) // _MILLISECOND


def _time_remedy(milliseconds: float) -> str:
    for unit, scale in _UNITS:
        if EARLIEST_MS * scale <= milliseconds < LATEST_MS * scale:
            return f"send milliseconds since 1970; this looks like {unit}"
    return "send milliseconds since 1970 of a time in the years 2000 to 2099"


def _bounded(field: str, text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise _out_of_range(field, text, f"send at most {LONGEST_TEXT} characters")
    if "\0" in text:
        raise _out_of_range(field, text.replace("\0", "\\0"), "remove the NUL character")
    return text


def _out_of_range(field: str, value: str, remedy: str) -> MalformedEvent:
    return MalformedEvent(RejectReason.OUT_OF_RANGE, field=field, value=value, remedy=remedy)
