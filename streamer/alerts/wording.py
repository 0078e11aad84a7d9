"""Numbers in plain English."""

_DURATIONS = (("day", 24.0), ("hour", 1.0), ("minute", 1 / 60), ("second", 1 / 3600))


def amount_words(amount: float) -> str:
    """Write an amount: 950.00; 1,234.50; 12,346 from 10,000 on."""
    return f"{amount:,.2f}" if abs(amount) < 9_999.995 else f"{amount:,.0f}"


def about_words(amount: float) -> str:
    """Write a rough amount to three digits: 52.4; 1,020; 368,000."""
    rounded = float(f"{amount:.3g}")
    return f"{rounded:,.0f}" if rounded >= 100 else f"{rounded:g}"


def times_words(factor: float) -> str:
    """Write a factor: 9.5 times; 120 times."""
    return f"{factor:.1f} times" if factor < 9.95 else f"{factor:,.0f} times"


def count_words(count: float, noun: str) -> str:
    """Write a whole number of things: 1 payment; 1,200 payments."""
    whole = round(count)
    return f"{whole:,} {noun}" if whole == 1 else f"{whole:,} {noun}s"


def duration_words(hours: float) -> str:
    """Write a time in the largest unit of which it has two: 90 minutes; 36 hours; 2 days; 1 second at least."""
    for noun, size in _DURATIONS:
        if hours >= 1.99 * size:
            return count_words(hours / size, noun)
    return "1 second"


def every_words(per_hour: float) -> str:
    """Write a rate: one every 2 days; about 3 an hour."""
    if per_hour <= 1.5:
        return f"one every {duration_words(1 / per_hour)}"
    return f"about {per_hour:,.0f} an hour"


def ordinal(number: int) -> str:
    """Write a place in a row: 1st, 2nd, 3rd, 11th, 1,022nd."""
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def percent_words(share: float) -> str:
    """Write a share: about 12 %; about 0.4 %; less than 0.1 %."""
    percent = 100 * share
    if percent < 0.1:
        return "less than 0.1 %"
    return f"about {percent:.1f} %" if percent < 0.95 else f"about {percent:.0f} %"
