"""Single values as other systems write them: to what a canonical transaction may hold.

Nothing is guessed: a value that could mean two things is malformed, and the remedy names the
key of the mapping that settles it. Bounds are those of `values`, which looks at the results.
"""

import base64
import binascii
import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, DecimalException
from unicodedata import category

from streamer.errors import MalformedEvent, RejectReason
from streamer.events.currencies import EXPONENTS
from streamer.events.mapping_spec import AmountSpec, TimeSpec
from streamer.events.values import SENTINELS, identifier

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_EXACT = 2**53
_PER_MS = {"s": Decimal(1000), "ms": Decimal(1), "us": Decimal("1e-3"), "ns": Decimal("1e-6")}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_SIGNS = {"-": "-", "+": "", "\N{MINUS SIGN}": "-"}


def text(field: str, given: object) -> str | None:
    """Return an id or another text; None where there is none.

    Whole numbers keep all their digits. Data frames turn whole numbers into floats when one is
    missing: such a float is taken for the number as long as it cannot have been rounded.

    Raises:
        MalformedEvent: neither a text nor a whole number.
    """
    if given is None or isinstance(given, str):
        return given
    if isinstance(given, int) and not isinstance(given, bool):
        return str(given)
    if isinstance(given, float) and given.is_integer() and abs(given) < _EXACT:
        return str(int(given))
    raise _wrong(field, given, "send a text or a whole number below 2^53, or map another column")


def joined(field: str, parts: Sequence[object]) -> str | None:
    r"""Return several ids as one; None where one of them is missing.

    Two different lists never become one text: a dash within a part is written as `\-`.

    Raises:
        MalformedEvent: a part is neither a text nor a whole number, or stands for no id.
    """
    texts = [text(field, part) for part in parts]
    if any(part is None for part in texts):
        return None
    known = [identifier(field, part) for part in texts if part is not None]
    return "-".join(part.replace("\\", "\\\\").replace("-", "\\-") for part in known)


def coordinate(field: str, given: object) -> float | str | None:
    """Return degrees as a number or its text; None where there are none.

    Raises:
        MalformedEvent: neither a number nor a text.
    """
    if given is None or (isinstance(given, str) and given.casefold() in SENTINELS):
        return None
    return _number_or_text(field, given)


def currency(given: object) -> str | None:
    """Return a code of ISO 4217 in capitals; None for everything else, which is an unknown currency."""
    code = given.strip().upper() if isinstance(given, str) else ""
    return code if code in EXPONENTS else None


def amount(given: object, spec: AmountSpec, code: str | None) -> int | float | str:
    """Return an amount in currency units, positive for money out, as a number or its exact text.

    Args:
        given: a number, a text with or without currency signs, or base64 of an unscaled integer.
        spec: how it is written.
        code: its currency, as `currency` gives it.

    Raises:
        MalformedEvent: it cannot be read, or only in more than one way.
    """
    if spec.scale is not None:
        plain: int | float | str = _unscaled(given, spec.scale)
    else:
        value = _number_or_text("amount", given)
        plain = _plain(value, spec) if isinstance(value, str) else value
    if (spec.unit == "major" and spec.positive == "out") or not _NUMBER.fullmatch(str(plain)):
        return plain  # what is no number, `values` rejects
    try:
        number = Decimal(str(plain))
        if spec.unit == "minor":
            number = number.scaleb(-_exponent(code, given))
    except DecimalException:
        return plain
    return str(number if spec.positive == "out" else -number)


def timestamp(given: object, spec: TimeSpec) -> int | float | str:
    """Return an event time as milliseconds since the epoch, or as ISO 8601 with a zone.

    A local time that its zone skips counts by the offset before the gap; of one that the zone
    repeats, the first is meant.

    Args:
        given: a number, its text, or a date and time as text.
        spec: how it is written.

    Raises:
        MalformedEvent: it is not written so.
    """
    value = _number_or_text("timestamp", given)
    if spec.format is not None:
        return _milliseconds(_parsed(str(value), spec.format), spec.place)
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        return _scaled(value, spec)
    try:
        moment = datetime.fromisoformat(value.strip().upper())
    except ValueError:
        raise _wrong(
            "timestamp", value, "send ISO 8601, or say in the mapping how it is written: timestamp.format"
        ) from None
    if moment.tzinfo is None and spec.place is None:
        raise _wrong("timestamp", value, 'add the zone to the value, or to the mapping: timestamp.zone = "UTC"')
    return _milliseconds(moment, spec.place)


def _number_or_text(field: str, given: object) -> int | float | str:
    if isinstance(given, int | float | str) and not isinstance(given, bool):
        return given
    raise _wrong(field, given, "send a number or a text, or map another column")


def _plain(value: str, spec: AmountSpec) -> str:
    """Return a text without currency signs and separators of thousands, with a decimal point."""
    body = _without_signs(value)
    sign = _SIGNS.get(body[:1], "")
    if body[:1] in _SIGNS:
        body = _without_signs(body[1:])
    if spec.thousands and spec.thousands in body:
        whole, dot, rest = body.partition(spec.decimal)
        if not re.fullmatch(rf"\d{{1,3}}({re.escape(spec.thousands)}\d{{3}})+", whole, re.ASCII):
            raise _wrong("amount", value, f"set {spec.thousands!r} before every three digits of the whole part only")
        body = whole.replace(spec.thousands, "") + dot + rest
    foreign = "," if spec.decimal == "." else "."
    if foreign in body:
        remedy = (
            f"say in the mapping what {foreign!r} means: amount.decimal is {spec.decimal!r}, amount.thousands is "
            f"{spec.thousands!r}"
        )
        raise _wrong("amount", value, remedy)
    return sign + body.replace(spec.decimal, ".")


def _without_signs(value: str) -> str:
    """Strip blanks and currency signs, in any order, from both ends."""
    start, end = 0, len(value)
    while start < end and _is_sign(value[start]):
        start += 1
    while start < end and _is_sign(value[end - 1]):
        end -= 1
    return value[start:end]


def _is_sign(character: str) -> bool:
    return character.isspace() or category(character) == "Sc"


def _unscaled(given: object, scale: int) -> str:
    """Read base64 of a big-endian two's complement integer, as change data capture writes decimals."""
    try:
        digits = base64.b64decode(given if isinstance(given, str) else "?", validate=True)
    except (ValueError, binascii.Error):
        raise _wrong("amount", given, "send base64 of the bytes of an integer, or remove amount.scale") from None
    if not 0 < len(digits) <= 16:
        raise _wrong("amount", given, "send an integer of 1 to 16 bytes")
    return str(Decimal(int.from_bytes(digits, "big", signed=True)).scaleb(-scale))


def _exponent(code: str | None, given: object) -> int:
    if code is None:
        remedy = "send or map the currency as a code of ISO 4217: it decides what a minor unit is"
        raise MalformedEvent(RejectReason.OUT_OF_RANGE, field="currency", value=f"amount {given}", remedy=remedy)
    return EXPONENTS[code]


def _scaled(value: float | str, spec: TimeSpec) -> int | float | str:
    if spec.unit == "ms" or (isinstance(value, float) and not math.isfinite(value)):
        return value
    try:
        return math.floor(Decimal(str(value)) * _PER_MS[spec.unit])
    except DecimalException:
        return value


def _parsed(value: str, form: str) -> datetime:
    try:
        return datetime.strptime(value, form)  # noqa: DTZ007 (the caller adds the zone)
    except ValueError:
        raise _wrong("timestamp", value, f"send it as the mapping says, timestamp.format = {form!r}") from None


def _milliseconds(moment: datetime, place: tzinfo | None) -> int:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=place)
    return (aware - _EPOCH) // _MILLISECOND


def _wrong(field: str, given: object, remedy: str) -> MalformedEvent:
    return MalformedEvent(RejectReason.WRONG_TYPE, field=field, value=str(given), remedy=remedy)
