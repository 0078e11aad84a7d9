"""A search for the hyper-parameters of a model, which can be left and gone on with.

Each trial learns from the older of the windows to learn from and is judged by the newer ones: what
is held back for the calibration stays unseen until the end. The judge is how well the detector
tells windows from corruptions of them, the one figure that all models share without labels. The
first trial is what is used where nothing is searched; it is among those to choose from.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import Trial, TrialState

from detectors.api import Detector, FeatureTable, Windows
from detectors.training.config import Progress, TrainingConfig
from detectors.training.corruption import corrupt
from detectors.training.dataset import Parts, split_by_time, spread
from detectors.training.evaluate import quality
from detectors.training.fit import fit_gan, fit_vae
from detectors.training.found import Found

Report = Callable[[Progress], None]

JOURNAL = "search.journal"
_TOLD_APART = 20_000
"""Windows that a trial is judged by, at most."""


@dataclass(frozen=True, slots=True)
class _Space:
    fit: Callable[[Parts, FeatureTable, TrainingConfig, Report], Detector]
    usual: Callable[[TrainingConfig], dict[str, float]]
    draw: Callable[[Trial], dict[str, float]]
    apply: Callable[[TrainingConfig, Mapping[str, float]], TrainingConfig]


def search(
    model: str,
    windows: Windows,
    table: FeatureTable,
    config: TrainingConfig,
    *,
    trials: int,
    progress: Report,
    folder: Path,
) -> Found:
    """Search until there are so many finished trials, those of earlier searches in this folder included.

    Args:
        model: a name in SEARCHABLE.
        windows: to learn from and to judge by, oldest first.
        table: their features.
        config: where the search begins, and all that is not searched for.
        trials: at least 1.
        progress: told of every step.
        folder: keeps the trials.
    """
    space = SEARCHABLE[model]
    parts = split_by_time(windows, config.held_back_share)
    judged = parts.held_back.rows(spread(len(parts.held_back), _TOLD_APART))
    parts = Parts(parts.fit, judged)
    bad = corrupt(judged, table, np.random.default_rng([config.seed, 3]))
    study = _study(model, config.seed, folder)
    _repeat_unfinished(study)
    if not study.trials:
        study.enqueue_trial(space.usual(config))

    def judge(trial: Trial) -> float:
        own = space.apply(config, space.draw(trial))
        name = f"{model}, trial {trial.number + 1}"
        detector = space.fit(parts, table, own, lambda now: progress(replace(now, model=name)))
        score = np.concatenate([detector.score(judged), detector.score(bad)])
        return quality(score, np.arange(len(score)) >= len(judged)).auc

    study.optimize(judge, n_trials=max(0, trials - len(_finished(study))))
    best, first = study.best_trial, _finished(study)[0]
    return Found(space.apply(config, best.params), dict(best.params), float(best.values[0]), float(first.values[0]))


def _study(model: str, seed: int, folder: Path) -> optuna.Study:
    folder.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = JournalStorage(JournalFileBackend(str(folder / JOURNAL)))
    study = optuna.create_study(study_name=model, storage=storage, direction="maximize", load_if_exists=True)
    # A sampler that went on with the same seed would draw the trials of before once more.
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials))
    return study


def _repeat_unfinished(study: optuna.Study) -> None:
    """Queue what a killed search was at."""
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params)


def _finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return study.get_trials(states=(TrialState.COMPLETE,))


def _shared(trial: Trial) -> dict[str, float]:
    return {
        "learning_rate": trial.suggest_float("learning_rate", 5e-4, 8e-3, log=True),
        "batch_size": trial.suggest_categorical("batch_size", (128, 256, 512)),
        "weight_decay": trial.suggest_float("weight_decay", 1e-6, 1e-2, log=True),
        "width": trial.suggest_categorical("width", (32, 48, 64)),
        "hidden": trial.suggest_categorical("hidden", (64, 96, 128)),
    }


def _usual(config: TrainingConfig, width: int, hidden: int) -> dict[str, float]:
    return {
        "learning_rate": config.learning_rate,
        "batch_size": config.batch_size,
        "weight_decay": config.weight_decay,
        "width": width,
        "hidden": hidden,
    }


def _apply(config: TrainingConfig, chosen: Mapping[str, float]) -> TrainingConfig:
    return replace(
        config,
        learning_rate=chosen["learning_rate"],
        batch_size=int(chosen["batch_size"]),
        weight_decay=chosen["weight_decay"],
    )


def _usual_vae(config: TrainingConfig) -> dict[str, float]:
    vae = config.vae
    return {**_usual(config, vae.width, vae.hidden), "beta": config.beta, "latent": vae.latent}


def _draw_vae(trial: Trial) -> dict[str, float]:
    return {
        **_shared(trial),
        "beta": trial.suggest_float("beta", 0.1, 4.0, log=True),
        "latent": trial.suggest_categorical("latent", (4, 8, 16)),
    }


def _apply_vae(config: TrainingConfig, chosen: Mapping[str, float]) -> TrainingConfig:
    width, hidden, latent = (int(chosen[name]) for name in ("width", "hidden", "latent"))
    vae = replace(config.vae, width=width, hidden=hidden, latent=latent)
    return replace(_apply(config, chosen), beta=chosen["beta"], vae=vae)


def _usual_gan(config: TrainingConfig) -> dict[str, float]:
    gan = config.gan
    return {**_usual(config, gan.width, gan.hidden), "generated_weight": config.generated_weight}


def _draw_gan(trial: Trial) -> dict[str, float]:
    return {**_shared(trial), "generated_weight": trial.suggest_float("generated_weight", 0.01, 1.0, log=True)}


def _apply_gan(config: TrainingConfig, chosen: Mapping[str, float]) -> TrainingConfig:
    gan = replace(config.gan, width=int(chosen["width"]), hidden=int(chosen["hidden"]))
    return replace(_apply(config, chosen), generated_weight=chosen["generated_weight"], gan=gan)


SEARCHABLE: Mapping[str, _Space] = {
    "vae": _Space(fit_vae, _usual_vae, _draw_vae, _apply_vae),
    "gan": _Space(fit_gan, _usual_gan, _draw_gan, _apply_gan),
}
