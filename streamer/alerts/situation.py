"""A judged payment in natural units: the formulas of the feature table, read backwards."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

DAY_H = 24.0
WEEK_H = 7 * DAY_H


@dataclass(frozen=True, slots=True)
class Situation:
    """What reasons may speak about.

    Attributes:
        features: all features of the judged event, by name.
        typical: their usual values, the medians of the training data.
        amount: currency units; a refund counts as 0.
        hour: hour of the day, UTC.
        count_1h: the user's payments within 1 h, this one included.
        count_24h: the same within 24 h.
        count_7d: the same within 7 d.
        merchant_known: whether the payment names its merchant.
        in_order: whether it is the user's newest; if not, its gap is not what it seems.
    """

    features: Mapping[str, float]
    typical: Mapping[str, float]
    amount: float
    hour: int
    count_1h: int
    count_24h: int
    count_7d: int
    merchant_known: bool
    in_order: bool

    @property
    def earlier(self) -> int:
        """How many earlier events of the user are known."""
        return round(math.expm1(self.features["history"]))

    @property
    def user_mean(self) -> float:
        """The user's mean amount; everybody's for a new user."""
        return self.mean_behind("amount_ratio")

    def mean_behind(self, ratio: str) -> float:
        """Return m of a feature that is ln((a + 0.5) / (m + 0.5))."""
        return max((self.amount + 0.5) * math.exp(-self.features[ratio]) - 0.5, 0.0)

    @property
    def waited_h(self) -> float:
        """Hours since the user's previous event, from 1 s to 30 d."""
        return math.exp(-self.features["quickness"])

    @property
    def usual_gap_h(self) -> float:
        """Hours that usually pass between the user's events."""
        return math.exp(self.features["quickness_ratio"] - self.features["quickness"])

    def spent(self, feature: str, horizon_h: float) -> tuple[float, float]:
        """Return the decayed sum of a horizon, this payment included, and what is usual.

        Both follow from ln((m + 0.5 + sum) / ((m + 0.5) × (1 + horizon / gap))).
        """
        unit = self.user_mean + 0.5
        usual = unit * horizon_h / self.usual_gap_h
        return max((unit + usual) * math.exp(self.features[feature]) - unit, 0.0), usual
