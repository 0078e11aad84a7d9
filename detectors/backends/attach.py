"""Detectors on a back end: swapped in, and compared with torch before they may judge."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from torch import Tensor

from detectors.api import Detector, FeatureTable, Floats, Windows
from detectors.backends.base import Backend
from detectors.chunks import BLOCK
from detectors.ensemble import Ensemble
from detectors.models.trained import Compute, Trained
from detectors.scaling import Scaling

PROBES = 10 * BLOCK
"""Windows by which a back end is compared with torch."""

_ALONE = 5


@runtime_checkable
class Deep(Detector, Protocol):
    """A detector with a network."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def trained(self) -> Trained[Any, Any]:
        """The network."""
        ...


@dataclass(frozen=True, slots=True)
class Attached:
    """An ensemble on a back end.

    Attributes:
        ensemble: scores by the back end.
        size: bytes of each detector's network as it is run, by the detector's name.
    """

    ensemble: Ensemble
    size: Mapping[str, int]


def attach(ensemble: Ensemble, backend: Backend) -> Attached:
    """Let a back end compute what the networks of an ensemble do.

    Raises:
        ImportError: a library is missing.
        ValueError: a detector cannot be run, or judges otherwise than before; or a score would
            depend on what stands beside a window.
    """
    detectors: list[Detector] = []
    size: dict[str, int] = {}
    for detector in ensemble.detectors:
        if not isinstance(detector, Deep):
            detectors.append(detector)
            continue
        probes = probe_windows(detector.trained.scaling, detector.trained.table)
        prepared = backend.prepare(detector.trained.network, _inputs(detector, probes))
        moved = _computing(detector, prepared.compute)
        if fault := objection(detector, moved, probes, backend.tolerance):
            raise ValueError(f"detector {detector.name!r} cannot be run by the back end {backend.name!r}: {fault}")
        detectors.append(moved)
        size[detector.name] = prepared.size
    return Attached(replace(ensemble, detectors=tuple(detectors)), size)


def objection(before: Detector, after: Detector, probes: Windows, tolerance: float) -> str | None:
    """Return why a detector may not judge as it does on a back end; None if it may.

    Args:
        before: the detector on torch.
        after: the same on the back end.
        probes: windows for both.
        tolerance: how far scores may lie apart, in standard deviations of the scores of `before`.
    """
    was, is_now = before.score(probes), after.score(probes)
    if not np.isfinite(is_now).all():
        return "scores are not finite"
    apart = float(np.abs(is_now - was).max() / was.std())
    if apart > tolerance:
        return f"scores move by up to {apart:.2g} standard deviations; {tolerance:g} are tolerated"
    alone = [after.score(probes.rows(slice(row, row + 1))) for row in range(_ALONE)]
    if np.concatenate(alone).tobytes() != is_now[:_ALONE].tobytes():
        return "a window alone gets another score than among others"
    return None


def probe_windows(scaling: Scaling, table: FeatureTable) -> Windows:
    """Draw windows of all lengths, whose features are spread as those that the scaling was fitted to, and wider."""
    draw = np.random.default_rng(0)
    length = draw.integers(1, table.window + 1, PROBES).astype(np.int32)
    last = _spread(draw, (PROBES, len(table.features)), scaling)
    steps = _spread(draw, (PROBES, table.window, table.steps), scaling)
    steps[:, -1] = last[:, : table.steps]
    steps[np.arange(table.window) < table.window - length[:, None]] = 0
    return Windows(steps, length, last)


def _spread(draw: np.random.Generator, shape: tuple[int, ...], scaling: Scaling) -> Floats:
    columns = shape[-1]
    drawn = draw.standard_normal(shape) * 2 * scaling.scale[:columns] + scaling.center[:columns]
    return drawn.astype(np.float32)


def _inputs(detector: Deep, windows: Windows) -> tuple[Tensor, ...]:
    """Return what a detector gives its network to read."""
    heard: list[tuple[Tensor, ...]] = []

    def listen(*inputs: Tensor) -> Tensor:
        heard.append(inputs)
        answer: Tensor = detector.trained.network(*inputs)
        return answer

    _computing(detector, listen).score(windows)
    # Copies, since what was made for inference alone may not enter an export.
    return tuple(each.clone() for each in heard[0])


def _computing(detector: Deep, compute: Compute) -> Deep:
    return replace(detector, trained=replace(detector.trained, compute=compute))
