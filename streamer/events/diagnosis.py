"""What is wrong with a value that is no transaction; slow, asked only after decoding failed."""

import re

import msgspec

from streamer.errors import MalformedEvent, RejectReason

_SHOWN = 120
_PLACE = re.compile(r"\(byte (\d+)\)")
_FIELD = re.compile(r"`\$\.(\w+)")
_MISSING = re.compile(r"missing required field `(\w+)`")
_EXPECTED = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")
_NOT_FINITE = re.compile(rb"(nan|inf(inity)?)(?![A-Za-z0-9_])", re.IGNORECASE)
_FIELD_BEFORE = re.compile(rb'"(\w+)"\s*:\s*-?$')

_RAW_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])

DecodeFault = msgspec.MsgspecError | UnicodeDecodeError | RecursionError
"""What decoding arbitrary bytes may raise."""


def explain(value: bytes, fault: DecodeFault) -> MalformedEvent:
    """Turn the fault that decoding `value` raised into one that names field, value and remedy."""
    if isinstance(fault, UnicodeDecodeError):
        return MalformedEvent(
            RejectReason.BAD_ENCODING, value=_start(value), remedy="encode the value as UTF-8 without a byte order mark"
        )
    if isinstance(fault, RecursionError):
        return MalformedEvent(RejectReason.BAD_JSON, value=_start(value), remedy="nest the JSON less deeply")
    if isinstance(fault, msgspec.ValidationError):
        return _wrong_content(value, str(fault))
    return _broken_json(value, str(fault))


def _broken_json(value: bytes, text: str) -> MalformedEvent:
    match = _PLACE.search(text)
    place = int(match[1]) if match else len(value)
    literal = _NOT_FINITE.match(value, place)
    if literal is not None:
        field = _FIELD_BEFORE.search(value[max(0, place - _SHOWN) : place])
        return MalformedEvent(
            RejectReason.NOT_FINITE,
            field=field[1].decode() if field else "",
            value=literal[0].decode(),
            remedy="send a finite number; JSON has no other",
        )
    cause = text.removeprefix("JSON is malformed: ")
    return MalformedEvent(
        RejectReason.BAD_JSON, value=_start(value), remedy=f"send one whole JSON object and nothing after it ({cause})"
    )


def _wrong_content(value: bytes, text: str) -> MalformedEvent:
    missing = _MISSING.search(text)
    if missing is not None:
        return MalformedEvent(
            RejectReason.MISSING_FIELD, field=missing[1], remedy="add the field, or map an existing one onto it"
        )
    path = _FIELD.search(text)
    if path is None:
        return MalformedEvent(
            RejectReason.NOT_AN_OBJECT, value=_start(value), remedy='send a JSON object: {"transaction_id": …}'
        )
    field = path[1]
    shown = _shown_field(value, field)
    if text.startswith("Integer value out of range"):
        return MalformedEvent(RejectReason.OUT_OF_RANGE, field=field, value=shown, remedy="send fewer digits")
    if text.startswith("Number out of range"):
        return MalformedEvent(RejectReason.NOT_FINITE, field=field, value=shown, remedy="send a finite number")
    expected = _EXPECTED.search(text)
    remedy = f"send {expected[1].replace(' | ', ' or ')} instead of {expected[2]}" if expected else text
    return MalformedEvent(RejectReason.WRONG_TYPE, field=field, value=shown, remedy=remedy)


def _shown_field(value: bytes, field: str) -> str:
    try:
        return _start(bytes(_RAW_FIELDS.decode(value)[field]))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError):
        # The first fault was met before another one further on, which hides the field.
        return _start(value)


def _start(value: bytes) -> str:
    return value[: _SHOWN + 1].decode("utf-8", "backslashreplace")
