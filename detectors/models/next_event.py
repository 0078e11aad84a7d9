"""The fields of an event in the order in which a model expects them, and what is known by then.

    before the event: how long the user is known, what they spend and how often
    -> when: gap, hour -> by what and where: device, country, distance
    -> at whom: merchant, its rush, category -> how much

Each field is expected given all before it, so an amount is judged knowing where it is spent. What
the event adds up to, counts and sums of the past hours and days, is expected beside them, given
only what was known before the event: step by step a run of payments becomes ordinary, but not
what it comes to.
"""

from dataclasses import dataclass

import numpy as np

from detectors.api import FeatureTable, Floats, Windows
from detectors.models.densities import Categories, Density, Mixture, Ordinal
from detectors.scaling import LEAST, MOST, Scaling

HOURS = 24


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the next event.

    Attributes:
        feature: what its rarity speaks of.
        density: the distribution of its values.
        before: what else is known when it is expected, beside all that was known to the field before.
        after: what the fields after it may know of it.
    """

    feature: str
    density: Density
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


_KNOWN_BEFORE = ("history", "user_amount", "user_gap")
_YES = Ordinal((0.5,))

FIELDS: tuple[Field, ...] = (
    Field("count_1h", Mixture(3), before=_KNOWN_BEFORE),
    Field("count_1d", Mixture(3)),
    Field("count_7d", Mixture(3)),
    Field("small_count_1h", Mixture(3)),
    Field("sum_1d", Mixture(3)),
    Field("sum_7d", Mixture(3)),
    Field("excess_7d", Mixture(3)),
    Field("amount_deviation", Mixture(3)),
    Field("merchant_amount_ratio", Mixture(3)),
    Field("quickness_ratio", Mixture(4), after=("quickness_ratio",)),
    Field("hour_rarity", Categories(HOURS), after=("hour_sin", "hour_cos")),
    Field("new_device", _YES, after=("new_device",)),
    Field("new_country", _YES, after=("new_country",)),
    Field("travel_speed", Ordinal((0.05, 0.7, 1.4, 2.2, 3.0)), after=("travel_speed",)),
    Field("merchant_novelty", Ordinal((-3.0, -1.5, -0.3)), after=("merchant_novelty",)),
    Field("merchant_rush", Ordinal((0.1, 0.7, 1.2, 1.8, 2.4)), ("merchant_amount",), ("merchant_rush",)),
    Field("category_rarity", Ordinal((0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0)), after=("category_rarity",)),
    Field("amount_ratio", Mixture(5)),
)
"""Mixtures are of scaled values, categories are the hours of the day, all else is in units of the feature table."""


def known_by_field() -> tuple[int, ...]:
    """Return for each field how many of the values of `NextEvents.known` it may see."""
    counts, known = [], 0
    for field in FIELDS:
        known += len(field.before)
        counts.append(known)
        known += len(field.after)
    return tuple(counts)


def columns_of(table: FeatureTable) -> list[int]:
    """Return the column of the feature that each field speaks of.

    Raises:
        KeyError: the table lacks one.
    """
    return [table.column(field.feature) for field in FIELDS]


@dataclass(frozen=True, slots=True)
class NextEvents:
    """The judged events of B windows.

    Attributes:
        values: (B, P) float32 values of the fields, in the units of their densities.
        known: (B, G) float32 scaled values, in the order in which they become known.
    """

    values: Floats
    known: Floats

    @classmethod
    def of(cls, windows: Windows, scaling: Scaling, table: FeatureTable) -> "NextEvents":
        """Read the last events of windows."""
        scaled = scaling.last(windows)
        values = np.empty((len(windows), len(FIELDS)), np.float32)
        for place, field in enumerate(FIELDS):
            column = table.column(field.feature)
            match field.density:
                case Mixture():
                    values[:, place] = scaled[:, column]
                case Categories():
                    values[:, place] = _hour(windows, table)
                case _:
                    values[:, place] = windows.last[:, column]
        names = [name for field in FIELDS for name in (*field.before, *field.after)]
        known = np.stack([_reading(name, scaled, scaling, table) for name in names], axis=1)
        return cls(values, np.clip(known, LEAST, MOST))


_LEVELS = {
    "user_amount": ("log_amount", "amount_ratio"),
    "user_gap": ("quickness_ratio", "quickness"),
    "merchant_amount": ("amount_ratio", "merchant_amount_ratio"),
}
"""Means by which features are divided, as the difference of two features: known before the event."""


def _reading(name: str, scaled: Floats, scaling: Scaling, table: FeatureTable) -> Floats:
    if name not in _LEVELS:
        return scaled[:, table.column(name)]
    whole, ratio = (table.column(each) for each in _LEVELS[name])
    # In units of the whole's deviations, around 0.
    return np.asarray(scaled[:, whole] - scaled[:, ratio] * (scaling.scale[ratio] / scaling.scale[whole]), np.float32)


def _hour(windows: Windows, table: FeatureTable) -> Floats:
    sin, cos = (windows.last[:, table.column(name)].astype(np.float64) for name in ("hour_sin", "hour_cos"))
    turn = np.arctan2(sin, cos) / (2 * np.pi)
    # Half a second is added: on the stroke of an hour rounding may fall to either side.
    return np.asarray(np.floor(turn * HOURS + 1 / 7_200) % HOURS, np.float32)
