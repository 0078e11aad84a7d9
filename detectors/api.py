"""The seam between streams and detectors: windows in, evidence out; higher is worse."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.rings import Floats, JoinedSteps, Rings, Steps

__all__ = ["Detector", "Feature", "FeatureTable", "Floats", "InvalidBundle", "Windows"]


class InvalidBundle(ValueError):
    """A bundle is damaged, of another format, or made for other features."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One row of the feature table.

    Attributes:
        name: unique, snake_case.
        unit: unit of the value, e.g. "ln(currency)".
        formula: the definition in one line.
        risk: +1 when larger is riskier, -1 when smaller is, 0 when it is only context.
        in_window: whether every step of the window holds it, or only the last event.
    """

    name: str
    unit: str
    formula: str
    risk: int
    in_window: bool


@dataclass(frozen=True)
class FeatureTable:
    """All features in column order: the S that stand in windows first, then the rest.

    Attributes:
        features: F rows.
        window: T, steps in a window.
    """

    features: tuple[Feature, ...]
    window: int

    @cached_property
    def names(self) -> tuple[str, ...]:
        """F names in column order."""
        return tuple(feature.name for feature in self.features)

    @property
    def steps(self) -> int:
        """S, how many leading features stand in every step of a window."""
        return sum(feature.in_window for feature in self.features)

    def column(self, name: str) -> int:
        """Return the column of a feature.

        Raises:
            KeyError: there is no such feature.
        """
        try:
            return self.names.index(name)
        except ValueError:
            raise KeyError(name) from None


@dataclass(frozen=True, slots=True)
class Windows:
    """B windows, each ending in the event that is to be judged.

    Attributes:
        held: the steps, as an array or where they lie.
        length: (B,) int32, how many of the T steps are real, at least 1.
        last: (B, F) float32, all features of the last event; last[:, :S] == steps[:, -1].
        shared: what detectors made of them, a row a window, by what it is; None where nothing is kept.
    """

    held: Floats | Steps | JoinedSteps
    length: NDArray[np.int32]
    last: Floats
    shared: dict[Hashable, Floats] | None = field(default=None, repr=False, compare=False)

    def __len__(self) -> int:
        """Count the windows."""
        return len(self.length)

    @property
    def steps(self) -> Floats:
        """(B, T, S) float32, oldest first; rows before the first event are zero. Copied when first asked for."""
        return self.held if isinstance(self.held, np.ndarray) else self.held.settle()

    @property
    def rings(self) -> tuple[Rings, ...]:
        """Where the steps lie, part by part, for whoever can do without a copy."""
        return (Rings.of(self.held),) if isinstance(self.held, np.ndarray) else self.held.rings

    def for_several(self) -> "Windows":
        """Return the same windows, to be judged and explained: what one detector makes of them is kept for all."""
        return self if self.shared is not None else Windows(self.held, self.length, self.last, {})

    def once(self, name: Hashable, make: Callable[[], Floats]) -> Floats:
        """Return what `make` makes of the windows, made once and kept if they are for several.

        Args:
            name: what it is, and of whom.
            make: returns B rows, each with the same bits whichever stand beside it; nobody may write to them.
        """
        if self.shared is None:
            return make()
        if name not in self.shared:
            self.shared[name] = make()
        return self.shared[name]

    def rows(self, index: NDArray[np.intp] | slice) -> "Windows":
        """Select windows, in the order of `index`, with what is kept of them."""
        shared = None if self.shared is None else {name: rows[index] for name, rows in self.shared.items()}
        steps = self.held[index] if isinstance(self.held, np.ndarray) else self.held.rows(index)
        return Windows(steps, self.length[index], self.last[index], shared)

    @staticmethod
    def concatenate(parts: "Sequence[Windows]") -> "Windows":
        """Join windows of the same table, in order; at least one part. A single one is not copied."""
        if len(parts) == 1:
            return parts[0]
        held = [part.held for part in parts if isinstance(part.held, Steps)]
        return Windows(
            JoinedSteps(held) if len(held) == len(parts) else np.concatenate([part.steps for part in parts]),
            np.concatenate([part.length for part in parts]),
            np.concatenate([part.last for part in parts]),
        )


class Detector(Protocol):
    """A judge of windows.

    Both verbs are deterministic, finite for finite input, leave the input untouched, and
    give each row the same bits whichever rows stand beside it.
    """

    @property
    def name(self) -> str:
        """Short name, unique within a bundle."""
        ...

    def score(self, windows: Windows) -> Floats:
        """Return (B,) float32 raw scores; higher is worse; the scale is the detector's own."""
        ...

    def explain(self, windows: Windows) -> Floats:
        """Return (B, F) float32, how much each feature of the last event drove the score.

        Non-negative; 0 means not at all. Slower than `score`; asked for alerts only.
        """
        ...
