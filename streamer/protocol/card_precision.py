"""Card precision: of the cards that investigators can look at in a day, how many are defrauded.

After Dal Pozzolo et al., "Credit Card Fraud Detection: A Realistic Modeling and a Novel Learning
Strategy" (2018), as in the handbook of Le Borgne et al.: a card is as suspicious as the riskiest
of its payments of the day; one that was caught is blocked, and left out of the days after.
"""

import numpy as np
from numpy.typing import NDArray


def card_precision(
    score: NDArray[np.floating],
    day: NDArray[np.int64],
    card: NDArray[np.int64],
    fraud: NDArray[np.bool_],
    *,
    cards_per_day: int,
) -> tuple[float, ...]:
    """Return the share of defrauded cards among the riskiest of each day, by day.

    Where fewer cards are left than can be looked at, the share is still of those that could be.

    Args:
        score: (N,) of payments; higher is worse.
        day: (N,) number of the day.
        card: (N,) number of the card; of equally risky cards the lower number goes first.
        fraud: (N,) the truth.
        cards_per_day: k, at least 1.
    """
    caught = np.empty(0, np.int64)
    precision = []
    for today in np.unique(day):
        rows = np.flatnonzero((day == today) & ~np.isin(card, caught))
        cards, place = np.unique(card[rows], return_inverse=True)
        risk = np.full(len(cards), -np.inf)
        np.maximum.at(risk, place, score[rows])
        defrauded = np.zeros(len(cards), np.bool_)
        np.logical_or.at(defrauded, place, fraud[rows])
        looked_at = np.argsort(-risk, kind="stable")[:cards_per_day]
        found = cards[looked_at][defrauded[looked_at]]
        precision.append(len(found) / cards_per_day)
        caught = np.concatenate([caught, found])
    return tuple(precision)
