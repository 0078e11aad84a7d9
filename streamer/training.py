"""From past payments to a bundle."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from detectors.api import Detector, Windows
from detectors.bundle import Bundle, save_bundle
from detectors.ensemble import Ensemble
from detectors.manifest import Manifest, Provenance
from detectors.models.gan import Gan
from detectors.models.tails import FeatureTails
from detectors.models.vae import Vae
from detectors.threads import use_one_thread
from detectors.training.config import DamagedCheckpoint
from detectors.training.corruption import corrupt
from detectors.training.dataset import Parts, spread
from detectors.training.evaluate import quality
from detectors.training.fit import NOWHERE, Folders, Progress, TrainingConfig, fit_gan, fit_vae, split
from detectors.training.pretrain import Pretrained, pretrain
from detectors.training.processes import rank
from detectors.training.tune import tune
from streamer import __version__
from streamer.alerts.texts import time_text
from streamer.cards.card import ModelCard
from streamer.cards.documents import documents_of
from streamer.cards.make import UNTOLD, Circumstances, make_card
from streamer.comparison import compare, rival_of
from streamer.errors import ArchiveError, BundleError, EnvironmentFault
from streamer.exam import Answers, Exam
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
    about: Circumstances = UNTOLD,
    start: Bundle | None = None,
    folders: Folders = NOWHERE,
    tuned: Mapping[str, TrainingConfig] = MappingProxyType({}),
) -> Manifest | None:
    """Train all detectors, calibrate them on the newest windows, save the bundle with its model card.

    Nothing learns from labels, but payments that are known to be fraud are not calibrated by.

    Args:
        history: windows in time order.
        new: where it goes.
        config: seed, epochs and the share that is held back.
        progress: told of every step.
        about: what the card tells beside.
        start: the bundle whose detectors are fine-tuned; None begins anew.
        folders: a training that was killed goes on from the checkpoints that it left there.
        tuned: configurations of single models, by name, in the place of `config`.

    Returns:
        The manifest; None in processes that only help the first one.

    Raises:
        ArchiveError: there are too few windows to learn from, none newer than those of `start`, or
            all that are held back are known to be fraud.
        BundleError: a detector of `start` cannot be fine-tuned.
        EnvironmentFault: the folder exists or cannot be written, or a package is missing.
    """
    if len(history.windows) < LEAST_WINDOWS:
        raise ArchiveError(
            f"{len(history.windows)} payments are too few to learn from: give at least {LEAST_WINDOWS}, better 50,000"
        )
    if new.folder.exists():
        raise EnvironmentFault(f"{str(new.folder)!r} exists: a bundle is never changed; choose another --out")
    if start is not None and history.timestamp[-1] <= start.manifest.made.trained_until:
        raise ArchiveError(
            f"no payment is newer than {time_text(start.manifest.made.trained_until)}, when the bundle was made that "
            "is to be fine-tuned: give newer ones"
        )
    use_one_thread()
    parts = split(history.windows, config)
    kept = len(parts.fit) + spread(len(parts.held_back), MOST_HELD_BACK)
    parts = Parts(parts.fit, history.windows.rows(kept))
    lesson = _Lesson(history, parts, kept, start)
    try:
        detectors = _detectors(lesson, config, tuned, progress, folders)
    except ImportError as error:
        raise EnvironmentFault(f"training needs {error.name}: run pip install 'fraud-streamer[train]'") from error
    except DamagedCheckpoint as error:
        raise EnvironmentFault(f"{error}: remove it, and its model is trained from the beginning") from error
    if rank() > 0:
        return None
    suspicious = corrupt(parts.held_back, TABLE, np.random.default_rng(config.seed))
    # A burst of fraud among them would move the threshold that it should be found by.
    innocent = [not about.labels.get(str(name), False) for name in history.transaction_id[kept]]
    if not any(innocent):
        raise ArchiveError("all of the newest payments are labelled fraud: check the labels")
    ensemble = Ensemble.calibrate(detectors, parts.held_back.rows(np.flatnonzero(innocent)), suspicious)
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
    card = _card(made, lesson, ensemble, about)
    try:
        return save_bundle(new.folder, ensemble, TABLE, made, documents_of(card))
    except OSError as error:
        raise EnvironmentFault(f"the bundle cannot be written to {str(new.folder)!r}: {error}") from error


@dataclass(frozen=True, slots=True)
class _Lesson:
    """What is learnt from.

    Attributes:
        history: all of it.
        parts: windows to learn from, and those that calibrate.
        kept: rows of the history that calibrate.
        start: the bundle to go on from, if any.
    """

    history: History
    parts: Parts
    kept: NDArray[np.intp]
    start: Bundle | None


def _detectors(
    lesson: _Lesson,
    config: TrainingConfig,
    tuned: Mapping[str, TrainingConfig],
    progress: Callable[[Progress], None],
    folders: Folders,
) -> Sequence[Detector]:
    parts, start = lesson.parts, lesson.start
    if start is None:

        @cache
        def begun(backbone: str, width: int) -> Pretrained | None:
            if not config.pretrain:
                return None
            return pretrain(parts, TABLE, config, progress, backbone=backbone, width=width, folders=folders)

        of_vae, of_gan = (tuned.get(name, config) for name in (Vae.name, Gan.name))
        context = begun(of_vae.vae.backbone, of_vae.vae.width)
        vae = fit_vae(parts, TABLE, of_vae, progress, start=context, folders=folders)
        context = begun(of_gan.gan.backbone, of_gan.gan.width)
        gan = fit_gan(parts, TABLE, of_gan, progress, start=context, folders=folders)
        return vae, gan, FeatureTails.fit(parts.fit, TABLE)
    try:
        return tune(start.ensemble.detectors, parts, TABLE, config, progress, folders=folders)
    except ValueError as error:
        raise BundleError(f"the bundle cannot be fine-tuned: {error}") from error


def _card(made: Provenance, lesson: _Lesson, ensemble: Ensemble, about: Circumstances) -> ModelCard:
    history, start = lesson.history, lesson.start
    held_back = np.isin(np.arange(len(history.timestamp)), lesson.kept)
    exam = Exam.of(history, about.labels, held_back, seed=made.seed)
    comparison = None
    if start is not None:
        # By what neither has learnt from; the old one's calibration knows what is older.
        unknown = held_back & (history.timestamp > start.manifest.made.trained_until)
        later = Exam.of(history, about.labels, unknown, seed=made.seed)
        comparison = compare(start, ensemble, later, about.alerts_per_million)
    return make_card(
        made,
        history,
        about,
        learnt=lesson.parts.fit,
        exam=exam,
        answers=Answers.of(ensemble, exam),
        tuned_from=None if start is None else rival_of(start),
        comparison=comparison,
    )


def _metrics(ensemble: Ensemble, ordinary: Windows, suspicious: Windows) -> dict[str, float]:
    """Return each detector's weight, and how well it tells held-back windows from corruptions."""
    tails = np.concatenate([ensemble.judge(ordinary).tails, ensemble.judge(suspicious).tails])
    truth = np.arange(len(tails)) >= len(ordinary)
    weights = {f"weight_{name}": float(w) for name, w in zip(ensemble.names, ensemble.weights, strict=True)}
    areas = {f"corruption_auc_{name}": quality(tails[:, d], truth).auc for d, name in enumerate(ensemble.names)}
    return {**weights, **areas}
