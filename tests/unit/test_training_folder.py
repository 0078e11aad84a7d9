"""The folder of a training: it goes on with its own training alone, and ends with it."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from detectors.training.config import NOWHERE, Folders, Progress, TrainingConfig
from streamer.errors import EnvironmentFault
from streamer.history import History
from streamer.training import NewBundle, train_bundle
from streamer.training_folder import Workplace
from tests.conftest import SMALL_WORLD
from tests.helpers.windows import simulated_windows

CONFIG = TrainingConfig(seed=1, epochs=1, batch_size=128)


class Killed(Exception):
    pass


@cache
def history() -> History:
    windows = simulated_windows(SMALL_WORLD, 15)[0].rows(slice(0, 1_500))
    time = np.arange(len(windows), dtype=np.int64)
    return History(windows, time, time.astype(np.str_), time.astype(np.str_), 0, 0)


def digests(folder: Path, *, folders: Folders = NOWHERE) -> set[tuple[str, str]]:
    made = train_bundle(history(), NewBundle(folder, "line", "1", 0), CONFIG, lambda _: None, folders=folders)
    assert made is not None
    return {(file.name, file.sha256) for file in made.files}


def test_a_killed_training_ends_in_the_same_bundle(tmp_path: Path) -> None:
    def kill(now: Progress) -> None:
        if now.model == "gan" and now.step == 3:
            raise Killed

    folders = Folders(tmp_path / "work", every=2)
    with pytest.raises(Killed):
        train_bundle(history(), NewBundle(tmp_path / "a", "line", "1", 0), CONFIG, kill, folders=folders)
    assert not (tmp_path / "a").exists()
    assert digests(tmp_path / "a", folders=folders) == digests(tmp_path / "b")


def test_another_training_does_not_go_on_from_it(tmp_path: Path) -> None:
    work = Workplace.beside(tmp_path / "bundle", None)
    assert work.folder == tmp_path / "bundle.training"
    work.begin(history(), CONFIG, first=True)
    work.begin(history(), CONFIG, first=True)
    with pytest.raises(EnvironmentFault, match="other options"):
        work.begin(history(), replace(CONFIG, seed=2), first=True)
    older = replace(history(), timestamp=history().timestamp - 1)
    with pytest.raises(EnvironmentFault, match="other data"):
        work.begin(older, CONFIG, first=True)


def test_only_the_first_process_writes(tmp_path: Path) -> None:
    work = Workplace.beside(tmp_path / "bundle", None)
    work.begin(history(), CONFIG, first=False)
    assert not work.folder.exists()


def test_a_folder_of_ones_own_choice_stays(tmp_path: Path) -> None:
    for chosen in (None, tmp_path / "chosen"):
        work = Workplace.beside(tmp_path / "bundle", chosen)
        work.begin(history(), CONFIG, first=True)
        work.finish(0)
        assert work.folder.exists() == (chosen is not None)


def test_a_folder_that_cannot_be_made_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match="cannot be used"):
        Workplace.beside(tmp_path / "bundle", tmp_path / "file" / "work").begin(history(), CONFIG, first=True)
