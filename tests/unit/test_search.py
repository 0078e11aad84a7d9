"""A search for hyper-parameters: what it chooses from, that it goes on, and what it must not see."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from detectors.api import Windows
from detectors.threads import use_one_thread
from detectors.training.config import Progress, TrainingConfig
from detectors.training.fit import split
from detectors.training.found import Found
from detectors.training.search import SEARCHABLE, search
from streamer.history import History
from streamer.searching import search_models
from streamer.state.features import TABLE
from tests.conftest import SMALL_WORLD
from tests.helpers.windows import simulated_windows

CONFIG = TrainingConfig(seed=1, epochs=1)


class Killed(Exception):
    pass


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    use_one_thread()


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


def test_a_killed_search_goes_on_and_repeats_what_it_was_at(tmp_path: Path) -> None:
    told: list[str] = []

    def kill(now: Progress) -> None:
        told.append(now.model)
        if now.model == "vae, trial 2":
            raise Killed

    with pytest.raises(Killed):
        search("vae", windows(), TABLE, CONFIG, trials=3, progress=kill, folder=tmp_path)
    told.clear()
    search("vae", windows(), TABLE, CONFIG, trials=3, progress=lambda now: told.append(now.model), folder=tmp_path)
    assert set(told) == {"vae, trial 3", "vae, trial 4"}
    told.clear()
    search("vae", windows(), TABLE, CONFIG, trials=3, progress=lambda now: told.append(now.model), folder=tmp_path)
    assert not told


def test_what_calibrates_is_not_looked_at(tmp_path: Path) -> None:
    def found(seen: Windows, folder: Path) -> Mapping[str, Found]:
        time = np.arange(len(seen), dtype=np.int64)
        history = History(seen, time, time.astype(np.str_), time.astype(np.str_), 0, 0)
        return search_models(history, CONFIG, trials=1, progress=lambda _: None, folder=folder)

    held_back = split(windows(), CONFIG).held_back
    other = Windows(held_back.steps * 0, held_back.length, held_back.last * 0)
    changed = Windows.concatenate([split(windows(), CONFIG).fit, other])
    assert found(changed, tmp_path / "a") == found(windows(), tmp_path / "b")
