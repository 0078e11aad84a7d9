"""Bundles that are made in no time: of feature tails alone, fitted on drawn windows."""

from pathlib import Path

import msgspec
import numpy as np

from detectors.api import Windows
from detectors.bundle import save_bundle
from detectors.ensemble import Ensemble
from detectors.manifest import Provenance
from detectors.models.tails import FeatureTails
from streamer.state.features import TABLE

MADE = Provenance(
    bundle_id="small",
    version="1",
    created_at=1_735_689_600_000,
    code_version="0",
    trained_from=1_735_689_600_000,
    trained_until=1_736_000_000_000,
    rows={"fit": 300, "held_back": 300},
    seed=0,
    typical=(0.0,) * len(TABLE.features),
    metrics={},
)


def drawn_windows(count: int, seed: int) -> Windows:
    rng = np.random.default_rng(seed)
    last = rng.normal(size=(count, len(TABLE.features))).astype(np.float32)
    steps = rng.normal(size=(count, TABLE.window, TABLE.steps)).astype(np.float32)
    steps[:, -1] = last[:, : TABLE.steps]
    return Windows(steps, np.full(count, TABLE.window, np.int32), last)


def small_ensemble(seed: int) -> Ensemble:
    risk = np.array([feature.risk for feature in TABLE.features], np.float32)
    fit, ordinary, strange = (drawn_windows(300, seed + number) for number in range(3))
    strange = Windows(strange.steps, strange.length, strange.last + 3 * risk)
    return Ensemble.calibrate([FeatureTails.fit(fit, TABLE)], ordinary, strange)


def small_bundle(folder: Path, version: str, documents: dict[str, bytes] | None = None) -> Path:
    """Save a bundle; another version is another bundle."""
    made = msgspec.structs.replace(MADE, version=version)
    save_bundle(folder, small_ensemble(seed=1), TABLE, made, documents)
    return folder
