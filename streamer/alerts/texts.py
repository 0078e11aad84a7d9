"""Times and money as texts, the forms in which alerts carry them."""

from datetime import UTC, datetime
from decimal import Decimal


def time_text(milliseconds: int) -> str:
    """Write milliseconds since the epoch as RFC 3339 in UTC."""
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    # An alert holds a dozen times, and strftime takes four times as long.
    return f"{moment.isoformat()[:19]}.{milliseconds % 1000:03d}Z"


def money_text(amount: float) -> str:
    """Write an amount as the shortest decimal number that reads back as the same float.

    Exact for every decimal of up to 15 significant digits, which a float holds exactly enough.
    """
    text = format(Decimal(repr(float(amount))), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text
