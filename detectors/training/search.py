"""A search for the hyper-parameters of a model, which can be left and gone on with.

Each trial learns from the older of the windows to learn from and is judged by the newer ones: what
is held back for the calibration stays unseen until the end. The judge is how well the detector
tells windows from corruptions of them, the one figure that all models share without labels. The
first trial is what is used where nothing is searched; it is among those to choose from. After each
epoch a trial is looked at, and given up if most others had been better by then.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import Trial, TrialState

from detectors.api import FeatureTable, Windows
from detectors.training.config import Progress, TrainingConfig
from detectors.training.corruption import corrupt
from detectors.training.dataset import Parts, split_by_time, spread
from detectors.training.evaluate import quality
from detectors.training.found import Found
from detectors.training.loop import Task
from detectors.training.search_spaces import SEARCHABLE
from detectors.training.tasks.view import Viewable

Report = Callable[[Progress], None]

JOURNAL = "search.journal"
_TOLD_APART = 20_000
"""Windows that a trial is judged by, at most."""

_MADE = (TrialState.COMPLETE, TrialState.PRUNED)
_NEVER_GIVEN_UP = 4
"""Trials that others are compared with before any is given up."""
_EPOCHS_UNTOUCHED = 1
"""Epochs after which nothing is given up yet: some begin slowly."""


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
    study = _study(model, folder)
    _give_up_unfinished(study)
    if not study.get_trials(states=(*_MADE, TrialState.WAITING)):
        study.enqueue_trial(space.usual(config))

    def judge(trial: Trial) -> float:
        own = space.apply(config, space.draw(trial))
        name = f"{model}, trial {len(_made(study)) + 1}"

        def look(epoch: int, task: Task) -> None:
            if isinstance(task, Viewable):
                trial.report(task.view().told_apart(), epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

        detector = space.fit(parts, table, own, lambda now: progress(replace(now, model=name)), after_epoch=look)
        score = np.concatenate([detector.score(judged), detector.score(bad)])
        return quality(score, np.arange(len(score)) >= len(judged)).auc

    while (count := len(_made(study))) < trials:
        # Seeded by what was made: a search that was killed draws what it would have drawn.
        study.sampler = optuna.samplers.TPESampler(seed=config.seed + count)
        study.optimize(judge, n_trials=1)
    best, made = study.best_trial, _made(study)
    return Found(
        config=space.apply(config, best.params),
        chosen=dict(best.params),
        value=float(best.values[0]),
        before=float(made[0].values[0]),
        trials=len(made),
        given_up=sum(each.state is TrialState.PRUNED for each in made),
    )


def _study(model: str, folder: Path) -> optuna.Study:
    folder.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = JournalStorage(JournalFileBackend(str(folder / JOURNAL)))
    study = optuna.create_study(study_name=model, storage=storage, direction="maximize", load_if_exists=True)
    study.pruner = optuna.pruners.MedianPruner(n_startup_trials=_NEVER_GIVEN_UP, n_warmup_steps=_EPOCHS_UNTOUCHED)
    return study


def _give_up_unfinished(study: optuna.Study) -> None:
    """Leave what a killed search was at; the same is drawn again."""
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)


def _made(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """Return the trials that need not be made again, the first one first."""
    return study.get_trials(states=_MADE)
