"""The scale of risk: from a tail to what people and subscribers read.

A tail is -ln(p), where p is the share of ordinary payments that are judged as risky or more.
Every number here is a function of it, so a threshold keeps its meaning after a retraining.

    one in        1,000    10,000    1,000,000
    tail           6.91      9.21        13.82
    risk score      500       667         1000
"""

import math

from streamer.alerts.contract import Action, RiskLevel

TOP_SCORE = 1000
TOP_DECADES = 6
"""Decades of rarity up to the top score: one in a million."""

LEVELS: tuple[RiskLevel, ...] = ("low", "elevated", "high", "critical")
"""Ascending. Low stays below the threshold; each level above elevated is ten times rarer."""

ACTIONS: dict[RiskLevel, Action] = {"low": "allow", "elevated": "review", "high": "step_up", "critical": "block"}
"""Advice for each level."""

_DECADE = math.log(10)


def threshold_tail(alerts_per_million: float) -> float:
    """Return the tail that this many of a million ordinary payments reach; 0 < budget < 1,000,000."""
    return -math.log(alerts_per_million / 1e6)


def risk_score(tail: float) -> int:
    """Return 0 to 1000, linear in the decades of rarity and rounded to whole points."""
    decades = max(tail, 0.0) / _DECADE
    return round(min(decades / TOP_DECADES, 1.0) * TOP_SCORE)


def risk_level(tail: float, threshold: float) -> RiskLevel:
    """Return the level of a tail against the tail from which alerts are raised."""
    if tail < threshold:
        return "low"
    above = math.floor((tail - threshold) / _DECADE)
    return LEVELS[min(1 + above, len(LEVELS) - 1)]


def severity(level: RiskLevel) -> int:
    """Return the place of a level among `LEVELS`; higher is worse."""
    return LEVELS.index(level)
