"""What a simulation is made of."""

from dataclasses import dataclass, field, fields
from enum import StrEnum

from streamer.errors import SettingsError
from streamer.simulate.categories import CATEGORIES

DAY_MS = 86_400_000
LEAST_MERCHANTS = 2 * len(CATEGORIES)
JANUARY_2025_MS = 1_735_689_600_000


class FraudKind(StrEnum):
    """How a card is abused; each kind has its module in `streamer/simulate/frauds/`."""

    ACCOUNT_TAKEOVER = "account_takeover"
    COMPROMISED_MERCHANT = "compromised_merchant"
    CARD_TESTING = "card_testing"
    AMOUNT_INFLATION = "amount_inflation"
    IMPOSSIBLE_TRAVEL = "impossible_travel"


@dataclass(frozen=True, slots=True)
class FraudMix:
    """Relative numbers of episodes of each kind; 0 switches a kind off."""

    account_takeover: float = 0.25
    compromised_merchant: float = 0.30
    card_testing: float = 0.15
    amount_inflation: float = 0.20
    impossible_travel: float = 0.10

    def __post_init__(self) -> None:
        """Check the weights.

        Raises:
            SettingsError: a weight is negative, or all are 0.
        """
        weights = {each.name: getattr(self, each.name) for each in fields(self)}
        for name, weight in weights.items():
            if not weight >= 0:
                raise SettingsError(f"the fraud mix gives {name} the weight {weight}: a weight is 0 or more")
        if not 0 < sum(weights.values()) < float("inf"):
            raise SettingsError("the fraud mix has no usable weight: set at least one above 0, or the fraud rate to 0")

    def share(self, kind: FraudKind) -> float:
        """Return the kind's share of all episodes, from 0 to 1."""
        weights = {each.name: float(getattr(self, each.name)) for each in fields(self)}
        return weights[kind.value] / sum(weights.values())


@dataclass(frozen=True, slots=True)
class SimulationConfig:
    """Everything a simulation depends on, with the version of NumPy.

    Attributes:
        users: how many people pay.
        merchants: how many merchants they can pay.
        start: first millisecond, since the epoch; a midnight UTC.
        days: length; a longer simulation begins with the same events.
        seed: another seed is another world.
        events_per_user_day: mean number of honest payments of a user on a day, roughly.
        episodes_per_1000_user_days: fraud bursts on one user, per 1,000 users and day. The
            default makes 0.3 to 0.6 % of all events fraudulent.
        mix: relative numbers of the kinds of fraud.
    """

    users: int = 2_000
    merchants: int = 500
    start: int = JANUARY_2025_MS
    days: int = 30
    seed: int = 1
    events_per_user_day: float = 2.0
    episodes_per_1000_user_days: float = 3.5
    mix: FraudMix = field(default_factory=FraudMix)

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            SettingsError: names the value at fault and its bounds.
        """
        _within("users", self.users, 1, 10_000_000)
        _within("merchants", self.merchants, LEAST_MERCHANTS, 10_000_000)
        _within("days", self.days, 1, 36_500)
        _within("start", self.start, 0, 4_102_444_800_000)
        _within("seed", self.seed, 0, 2**63 - 1)
        _within("events_per_user_day", self.events_per_user_day, 0.1, 100)
        _within("episodes_per_1000_user_days", self.episodes_per_1000_user_days, 0, 1_000)
        if self.start % DAY_MS:
            raise SettingsError(f"the simulation starts at {self.start} ms, which is no midnight UTC: days are whole")


def _within(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise SettingsError(f"the simulation's {name} is {value}: choose {least} to {most}")
