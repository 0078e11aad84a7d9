"""Detectors that fail as they are told, around real ones."""

from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from detectors.api import Detector, Floats, Windows
from detectors.bundle import Bundle
from detectors.ensemble import Ensemble
from streamer.pipeline import Pipeline
from streamer.settings import Settings

Fault = Callable[[Floats], Floats]
"""Takes the scores of a batch that a fault applies to; raises, or returns others."""


def identities(windows: Windows) -> list[bytes]:
    """Tell windows apart by what they hold, wherever they stand."""
    return [steps.tobytes() + last.tobytes() for steps, last in zip(windows.steps, windows.last, strict=True)]


def raising(error: BaseException) -> Fault:
    def fail(scores: Floats) -> Floats:
        raise error

    return fail


def giving(value: float) -> Fault:
    return lambda scores: np.full_like(scores, value)


@dataclass
class Faulty:
    """A detector that fails on chosen windows, or on all, and else does what it should.

    Attributes:
        inner: the real one.
        fault: how it fails.
        poison: windows on which it fails.
        is_broken: fails on everything.
        fails_from: fails on batches of this size and above.
        explains_badly: windows that it cannot explain.
        batches: the sizes of what it was asked.
    """

    inner: Detector
    fault: Fault = field(default_factory=lambda: raising(RuntimeError("boom")))
    poison: Collection[bytes] = ()
    is_broken: bool = False
    fails_from: float = float("inf")
    explains_badly: Collection[bytes] = ()
    batches: list[int] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.inner.name

    def score(self, windows: Windows) -> Floats:
        self.batches.append(len(windows))
        scores = self.inner.score(windows)
        hit = self._hit(windows)
        if hit.any():
            scores = scores.copy()
            scores[hit] = self.fault(scores[hit])
        return scores

    def explain(self, windows: Windows) -> Floats:
        if any(each in self.explains_badly for each in identities(windows)):
            raise RuntimeError("cannot say why")
        return self.inner.explain(windows)

    def _hit(self, windows: Windows) -> NDArray[np.bool_]:
        if self.is_broken or len(windows) >= self.fails_from:
            return np.ones(len(windows), np.bool_)
        return np.array([each in self.poison for each in identities(windows)], np.bool_)


def faulty(ensemble: Ensemble, name: str) -> tuple[Ensemble, Faulty]:
    """Return the ensemble with one detector that can be told to fail."""
    place = ensemble.names.index(name)
    detector = Faulty(ensemble.detectors[place])
    detectors: Sequence[Detector] = ensemble.detectors
    return replace(ensemble, detectors=(*detectors[:place], detector, *detectors[place + 1 :])), detector


def pipeline_of(bundle: Bundle, ensemble: Ensemble, settings: Settings) -> Pipeline:
    return Pipeline(
        settings,
        replace(bundle, ensemble=ensemble),
        worker="w",
        version="0",
        replay=False,
        stage=lambda _: nullcontext(),
    )
