"""A search for hyper-parameters: what it chooses from, that it goes on, and what it must not see."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import Trial

from detectors.api import Windows
from detectors.models.backbones import BACKBONES
from detectors.training.config import Progress, TrainingConfig
from detectors.training.fit import fit_vae, split
from detectors.training.found import Chosen, Found
from detectors.training.search import JOURNAL, search
from detectors.training.search_spaces import SEARCHABLE, Space
from streamer.history import History
from streamer.searching import search_models
from streamer.state.features import TABLE
from tests.conftest import SMALL_WORLD
from tests.helpers.windows import simulated_windows

CONFIG = TrainingConfig(seed=1, epochs=1)


class Killed(Exception):
    pass


@cache
def windows() -> Windows:
    return simulated_windows(SMALL_WORLD, 15)[0].rows(slice(0, 1_500))


@pytest.mark.parametrize("model", SEARCHABLE)
def test_the_usual_settings_are_the_first_to_be_tried(tmp_path: Path, model: str) -> None:
    found = search(model, windows(), TABLE, CONFIG, trials=1, progress=lambda _: None, folder=tmp_path)
    assert found.config == CONFIG
    assert found.value == found.before
    assert 0.5 < found.value <= 1


@pytest.mark.parametrize("model", SEARCHABLE)
def test_what_is_found_is_what_was_tried(tmp_path: Path, model: str) -> None:
    found = search(model, windows(), TABLE, CONFIG, trials=4, progress=lambda _: None, folder=tmp_path)
    assert found.value >= found.before
    assert SEARCHABLE[model].usual(found.config) == found.chosen


@pytest.mark.parametrize("model", SEARCHABLE)
def test_every_backbone_and_width_may_be_drawn_and_is_applied(model: str) -> None:
    space, study = SEARCHABLE[model], optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    drawn = [space.draw(study.ask()) for _ in range(60)]
    assert {each["backbone"] for each in drawn} == set(BACKBONES)
    assert {each["width"] for each in drawn} == {16, 32, 64}
    for each in drawn:
        assert space.usual(space.apply(CONFIG, each)) == each


def test_a_hopeless_trial_is_given_up_and_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(CONFIG, epochs=4)

    def draw(trial: Trial) -> dict[str, float | str]:
        # Four sound ones, then one whose steps are far too long.
        learning_rate = config.learning_rate if trial.number < 4 else 0.5
        return {"learning_rate": trial.suggest_float("learning_rate", learning_rate, learning_rate)}

    def apply(_: TrainingConfig, chosen: Chosen) -> TrainingConfig:
        return replace(config, learning_rate=float(chosen["learning_rate"]))

    space = Space(fit_vae, lambda _: {"learning_rate": config.learning_rate}, draw, apply)
    monkeypatch.setitem(SEARCHABLE, "vae", space)
    steps: Counter[str] = Counter()

    def count(now: Progress) -> None:
        steps[now.model] += 1

    found = search("vae", windows(), TABLE, config, trials=5, progress=count, folder=tmp_path)
    assert (found.trials, found.given_up) == (5, 1)
    assert found.chosen == {"learning_rate": config.learning_rate}
    assert steps["vae, trial 4"] == steps["vae, trial 1"]
    assert steps["vae, trial 5"] == steps["vae, trial 1"] / 2, "the second epoch is the first that may be the last"
    steps.clear()
    assert search("vae", windows(), TABLE, config, trials=5, progress=count, folder=tmp_path) == found
    assert not steps, "what was given up is not tried again"


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_killed_search_goes_on_and_finds_what_it_would_have_found(tmp_path: Path, at: int) -> None:
    told: list[str] = []

    def kill(now: Progress) -> None:
        if now.model == f"vae, trial {at}":
            raise Killed

    def found(progress: Callable[[Progress], None], folder: Path) -> Found:
        return search("vae", windows(), TABLE, CONFIG, trials=3, progress=progress, folder=folder)

    with pytest.raises(Killed):
        found(kill, tmp_path / "killed")
    went_on = found(lambda now: told.append(now.model), tmp_path / "killed")
    assert set(told) == {f"vae, trial {number}" for number in range(at, 4)}
    assert went_on == found(lambda _: None, tmp_path / "whole")
    told.clear()
    found(lambda now: told.append(now.model), tmp_path / "killed")
    assert not told


def test_what_was_cut_off_without_a_word_is_made_again(tmp_path: Path) -> None:
    whole = search("vae", windows(), TABLE, CONFIG, trials=2, progress=lambda _: None, folder=tmp_path / "whole")
    search("vae", windows(), TABLE, CONFIG, trials=1, progress=lambda _: None, folder=tmp_path / "killed")
    journal = JournalStorage(JournalFileBackend(str(tmp_path / "killed" / JOURNAL)))
    running = optuna.load_study(study_name="vae", storage=journal).ask()
    running.suggest_categorical("batch_size", (128, 256, 512))
    again = search("vae", windows(), TABLE, CONFIG, trials=2, progress=lambda _: None, folder=tmp_path / "killed")
    assert again == whole


def test_what_calibrates_is_not_looked_at(tmp_path: Path) -> None:
    def found(seen: Windows, folder: Path) -> Mapping[str, Found]:
        time = np.arange(len(seen), dtype=np.int64)
        history = History(seen, time, time.astype(np.str_), time.astype(np.str_), 0, 0)
        return search_models(history, CONFIG, trials=1, progress=lambda _: None, folder=folder)

    held_back = split(windows(), CONFIG).held_back
    other = Windows(held_back.steps * 0, held_back.length, held_back.last * 0)
    changed = Windows.concatenate([split(windows(), CONFIG).fit, other])
    assert found(changed, tmp_path / "a") == found(windows(), tmp_path / "b")
