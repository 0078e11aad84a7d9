"""What people buy: how often, for how much, and whether online."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Category:
    """One kind of merchant.

    Attributes:
        name: the text in the events.
        share: share of all honest payments.
        median: median amount in currency units, for a middling user and merchant.
        spread: standard deviation of the logarithm of the amount, all else being equal.
        online: share of payments made online; 0 and 1 are strict.
    """

    name: str
    share: float
    median: float
    spread: float
    online: float


CATEGORIES = (
    Category("grocery", 0.26, 28.0, 0.50, 0.08),
    Category("restaurant", 0.16, 18.0, 0.45, 0.10),
    Category("transport", 0.12, 6.0, 0.45, 0.40),
    Category("fuel", 0.07, 48.0, 0.25, 0.00),
    Category("pharmacy", 0.06, 14.0, 0.45, 0.10),
    Category("clothing", 0.07, 45.0, 0.50, 0.45),
    Category("entertainment", 0.07, 22.0, 0.40, 0.40),
    Category("digital", 0.07, 8.0, 0.50, 1.00),
    Category("marketplace", 0.06, 32.0, 0.55, 1.00),
    Category("home", 0.03, 85.0, 0.60, 0.30),
    Category("electronics", 0.02, 160.0, 0.55, 0.55),
    Category("travel", 0.01, 260.0, 0.50, 0.70),
)


def index_of(name: str) -> int:
    """Return the position of a category in `CATEGORIES`.

    Raises:
        ValueError: there is no such category.
    """
    return [category.name for category in CATEGORIES].index(name)
