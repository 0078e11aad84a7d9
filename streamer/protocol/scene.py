"""The comparison as pictures see it: entries by model, models by family, and how each looks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Self

import numpy as np

from streamer.cards.painting import PALETTE
from streamer.protocol.contest import Entry

OTHERS = "others"


def average_precision(entry: Entry) -> float:
    """Return an entry's average precision."""
    return entry.figures.average_precision


@dataclass(frozen=True, slots=True)
class Model:
    """One candidate with all of its seeds.

    Attributes:
        name: its name.
        family: shared by models that differ in their backbone alone; those without a backbone are `OTHERS`.
        variant: what tells it from others of its family.
        needs_labels: whether it learnt from labels.
        entries: one a seed.
    """

    name: str
    family: str
    variant: str
    needs_labels: bool
    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> Self:
        """Put the entries of one model together."""
        first = entries[0]
        family, variant = first.family or OTHERS, first.backbone or first.model
        return cls(first.model, family, variant, first.needs_labels, tuple(entries))

    @property
    def title(self) -> str:
        """Family and variant, where there is a family."""
        return self.variant if self.family == OTHERS else f"{self.family} · {self.variant}"

    @property
    def precision(self) -> float:
        """Average precision, mean over seeds."""
        return self.spread(average_precision)[0]

    def spread(self, value: Callable[[Entry], float]) -> tuple[float, float, float]:
        """Return the mean, the least and the most of a figure over seeds."""
        values = [value(entry) for entry in self.entries]
        return float(np.mean(values)), min(values), max(values)


@dataclass(frozen=True, slots=True)
class Scene:
    """What pictures of a comparison show.

    Attributes:
        models: in the order of the tables.
        base: share of the judged payments that is fraud.
        cards_per_day: how many cards can be looked at.
    """

    models: tuple[Model, ...]
    base: float
    cards_per_day: int

    @classmethod
    def of(cls, entries: Sequence[Entry], *, base: float, cards_per_day: int) -> Self:
        """Group entries, of which those of a model are adjacent."""
        models = tuple(Model.of(list(group)) for _, group in groupby(entries, key=lambda entry: entry.model))
        return cls(models, base, cards_per_day)

    @property
    def families(self) -> Mapping[str, Sequence[Model]]:
        """Models by family, in the order of the tables."""
        found: dict[str, list[Model]] = {}
        for model in self.models:
            found.setdefault(model.family, []).append(model)
        return found

    @property
    def yardstick(self) -> Model | None:
        """The best model without a backbone: what the others must beat to be worth their cost."""
        return max(self.families.get(OTHERS, ()), key=lambda model: model.precision, default=None)

    @property
    def family_colours(self) -> Mapping[str, str]:
        """One colour a family; what has no backbone is black."""
        deep = [family for family in self.families if family != OTHERS]
        colours = (PALETTE[place % len(PALETTE)] for place in range(len(deep)))
        simple = {OTHERS: "black"} if OTHERS in self.families else {}
        return simple | dict(zip(deep, colours, strict=True))

    @property
    def variants(self) -> Sequence[str]:
        """Names of the backbones, in the order of the tables."""
        return tuple(dict.fromkeys(model.variant for model in self.models if model.family != OTHERS))
