"""From past payments to a bundle."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from detectors.api import Windows
from detectors.bundle import save_bundle
from detectors.ensemble import Ensemble
from detectors.manifest import Manifest, Provenance
from detectors.models.gan import Gan
from detectors.models.tails import FeatureTails
from detectors.models.vae import Vae
from detectors.threads import use_one_thread
from detectors.training.corruption import corrupt
from detectors.training.dataset import Parts, spread
from detectors.training.evaluate import quality
from detectors.training.fit import NOWHERE, Folders, Progress, TrainingConfig, fit_gan, fit_vae, split
from detectors.training.processes import rank
from streamer import __version__
from streamer.errors import ArchiveError, EnvironmentFault
from streamer.history import History
from streamer.state.features import TABLE

LEAST_WINDOWS = 1_000
MOST_HELD_BACK = 100_000
"""Windows that calibrate: as many as memory holds several times; more would not change the curves."""


@dataclass(frozen=True, slots=True)
class NewBundle:
    """Where a bundle goes and what it is called.

    Attributes:
        folder: must not exist.
        bundle_id: name of the line of bundles; None makes a new line.
        version: version within the line.
        created_at: milliseconds since the epoch.
    """

    folder: Path
    bundle_id: str | None
    version: str
    created_at: int


def train_bundle(
    history: History,
    new: NewBundle,
    config: TrainingConfig,
    progress: Callable[[Progress], None],
    *,
    folders: Folders = NOWHERE,
    tuned: Mapping[str, TrainingConfig] = MappingProxyType({}),
) -> Manifest | None:
    """Train all detectors, calibrate them on the newest windows, save the bundle.

    Args:
        history: windows in time order.
        new: where it goes.
        config: seed, epochs and the share that is held back.
        progress: told of every step.
        folders: a training that was killed goes on from the checkpoints that it left there.
        tuned: configurations of single models, by name, in the place of `config`.

    Returns:
        The manifest; None in processes that only help the first one.

    Raises:
        ArchiveError: there are too few windows to learn from.
        EnvironmentFault: the folder exists or cannot be written, or a package is missing.
    """
    if len(history.windows) < LEAST_WINDOWS:
        raise ArchiveError(
            f"{len(history.windows)} payments are too few to learn from: give at least {LEAST_WINDOWS}, better 50,000"
        )
    if new.folder.exists():
        raise EnvironmentFault(f"{str(new.folder)!r} exists: a bundle is never changed; choose another --out")
    use_one_thread()
    parts = split(history.windows, config)
    parts = Parts(parts.fit, parts.held_back.rows(spread(len(parts.held_back), MOST_HELD_BACK)))
    tails = FeatureTails.fit(parts.fit, TABLE)
    try:
        vae = fit_vae(parts, TABLE, tuned.get(Vae.name, config), progress, folders=folders)
        gan = fit_gan(parts, TABLE, tuned.get(Gan.name, config), progress, folders=folders)
    except ImportError as error:
        raise EnvironmentFault(f"training needs {error.name}: run pip install 'fraud-streamer[train]'") from error
    if rank() > 0:
        return None
    suspicious = corrupt(parts.held_back, TABLE, np.random.default_rng(config.seed))
    ensemble = Ensemble.calibrate((vae, gan, tails), parts.held_back, suspicious)
    made = Provenance(
        bundle_id=new.bundle_id or uuid.uuid4().hex[:12],
        version=new.version,
        created_at=new.created_at,
        code_version=__version__,
        trained_from=int(history.timestamp[0]),
        trained_until=int(history.timestamp[-1]),
        rows={"fit": len(parts.fit), "held_back": len(parts.held_back)},
        seed=config.seed,
        typical=tuple(np.median(parts.fit.last, axis=0).astype(float).tolist()),
        metrics=_metrics(ensemble, parts.held_back, suspicious),
    )
    try:
        return save_bundle(new.folder, ensemble, TABLE, made)
    except OSError as error:
        raise EnvironmentFault(f"the bundle cannot be written to {str(new.folder)!r}: {error}") from error


def _metrics(ensemble: Ensemble, ordinary: Windows, suspicious: Windows) -> dict[str, float]:
    """Return each detector's weight, and how well it tells held-back windows from corruptions."""
    tails = np.concatenate([ensemble.judge(ordinary).tails, ensemble.judge(suspicious).tails])
    truth = np.arange(len(tails)) >= len(ordinary)
    weights = {f"weight_{name}": float(w) for name, w in zip(ensemble.names, ensemble.weights, strict=True)}
    areas = {f"corruption_auc_{name}": quality(tails[:, d], truth).auc for d, name in enumerate(ensemble.names)}
    return {**weights, **areas}
