"""Why: the few statements that account for most of a risk."""

import math

import numpy as np
from numpy.typing import NDArray

from streamer.alerts.contract import MOST_REASONS, Reason
from streamer.alerts.explanations import EXPLANATIONS, Explanation, Statement
from streamer.alerts.situation import Situation

LEAST_SHARE = 0.01
"""Features that contribute less are not worth a sentence."""

COMBINATION = Reason(
    code="unusual_combination",
    text="No single value explains this; together with the preceding payments it is unusual.",
    feature="",
    value=None,
    typical=None,
    unit="",
    direction="higher",
    contribution=1.0,
)
"""Given when nothing can be stated of any single feature."""


def find_reasons(
    situation: Situation, names: tuple[str, ...], contributions: NDArray[np.floating]
) -> tuple[Reason, ...]:
    """Return one to five reasons, the strongest first.

    Args:
        situation: the judged payment.
        names: F names of features.
        contributions: (F,) how much each feature drove the risk; what is not positive is ignored.
    """
    positive = np.maximum(np.asarray(contributions, np.float64), 0.0)
    total = float(positive.sum())
    weights: list[float] = positive.tolist()
    reasons: list[Reason] = []
    topics: set[str] = set()
    for column in np.argsort(-positive, kind="stable").tolist():
        explanation = EXPLANATIONS.get(names[column])
        if len(reasons) == MOST_REASONS or weights[column] < LEAST_SHARE * total or not weights[column]:
            break
        if explanation is None or explanation.topic in topics:
            continue
        statement = explanation.state(situation)
        if statement is not None:
            topics.add(explanation.topic)
            reasons.append(_reason(names[column], explanation, statement, weights[column] / total))
    return tuple(reasons) or (COMBINATION,)


def _reason(feature: str, explanation: Explanation, statement: Statement, share: float) -> Reason:
    return Reason(
        code=explanation.code,
        text=statement.text[:1].upper() + statement.text[1:],
        feature=feature,
        value=_significant(statement.value),
        typical=_significant(statement.typical),
        unit=explanation.unit,
        direction="lower" if explanation.lower else "higher",
        # Rounded down, so that shares never sum to more than 1.
        contribution=math.floor(share * 1000) / 1000,
    )


def _significant(number: float) -> float:
    """Round to the six digits that a float32 feature holds."""
    return float(f"{number:.6g}")
