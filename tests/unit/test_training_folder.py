"""The folder of a training: it goes on with its own training alone, and ends with it."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from detectors.bundle import Bundle
from detectors.training.config import NOWHERE, Folders, Progress, TrainingConfig
from streamer.bundles import open_bundle
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


def later() -> History:
    """Return the same payments, told of a while later, the older half of them left out."""
    rows, past = slice(400, None), history()
    return History(
        past.windows.rows(rows), past.timestamp[rows] + 10_000, past.transaction_id[rows], past.user_id[rows], 0, 0
    )


def made_of(
    payments: History,
    folder: Path,
    *,
    progress: Callable[[Progress], None] = lambda _: None,
    folders: Folders = NOWHERE,
    start: Bundle | None = None,
    config: TrainingConfig = CONFIG,
) -> set[tuple[str, str]]:
    """Make a bundle; return its files."""
    new = NewBundle(folder, "line", "1", 0)
    made = train_bundle(payments, new, config, progress, folders=folders, start=start)
    assert made is not None
    return {(file.name, file.sha256) for file in made.files}


def kill(now: Progress) -> None:
    if now.model == "gan" and now.step == 3:
        raise Killed


def test_a_killed_training_ends_in_the_same_bundle(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "work", every=2)
    with pytest.raises(Killed):
        made_of(history(), tmp_path / "a", progress=kill, folders=folders)
    assert not (tmp_path / "a").exists()
    assert made_of(history(), tmp_path / "a", folders=folders) == made_of(history(), tmp_path / "b")


@pytest.mark.parametrize("damage", [b"", b"no checkpoint", bytes(range(256)) * 12])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "vae.ckpt").write_bytes(damage)
    with pytest.raises(EnvironmentFault, match=r"vae\.ckpt' is damaged .*: remove it") as caught:
        made_of(history(), tmp_path / "a", folders=Folders(tmp_path))
    assert "weights_only" not in str(caught.value)


def test_a_killed_fine_tuning_goes_on_and_ends_in_the_same_bundle(tmp_path: Path) -> None:
    made_of(history(), tmp_path / "parent")
    parent, folders = open_bundle(tmp_path / "parent"), Folders(tmp_path / "work", every=2)
    with pytest.raises(Killed):
        made_of(later(), tmp_path / "a", progress=kill, folders=folders, start=parent)
    told: list[tuple[str, int]] = []

    def tell(now: Progress) -> None:
        told.append((now.model, now.step))

    went_on = made_of(later(), tmp_path / "a", progress=tell, folders=folders, start=parent)
    assert told[0] == ("gan", 3), "what was learnt before the kill is not learnt again"
    assert went_on == made_of(later(), tmp_path / "b", start=parent)


def test_models_begin_with_a_pre_trained_backbone_if_asked_to_also_after_a_kill(tmp_path: Path) -> None:
    alike = replace(CONFIG.vae, width=CONFIG.gan.width)
    config, folders = replace(CONFIG, pretrain=True, vae=alike), Folders(tmp_path / "work", every=2)
    told: list[str] = []

    def tell(now: Progress) -> None:
        told.append(now.model)
        if len(told) == 3:
            raise Killed

    with pytest.raises(Killed):
        made_of(history(), tmp_path / "a", progress=tell, folders=folders, config=config)
    begun = made_of(history(), tmp_path / "a", progress=tell, folders=folders, config=config)
    assert list(dict.fromkeys(told)) == ["pretraining-tcn-32", "vae", "gan"], "models of one width share it"
    assert begun == made_of(history(), tmp_path / "b", config=config)
    without = dict(made_of(history(), tmp_path / "c"))
    assert all(without[name] != sha256 for name, sha256 in begun if name.startswith(("vae", "gan")))


def test_another_training_does_not_go_on_from_it(tmp_path: Path) -> None:
    work = Workplace.beside(tmp_path / "bundle", None)
    assert work.folder == tmp_path / "bundle.training"
    work.begin(history(), CONFIG, parent=None, first=True)
    work.begin(history(), CONFIG, parent=None, first=True)
    other = replace(CONFIG, seed=2)
    with pytest.raises(EnvironmentFault, match="training with other options: give the same"):
        work.begin(history(), other, parent=None, first=True)
    with pytest.raises(EnvironmentFault, match="training on other data: give the same"):
        work.begin(later(), CONFIG, parent=None, first=True)
    with pytest.raises(EnvironmentFault, match="on other data and with other options: give the same"):
        work.begin(later(), other, parent=None, first=False)


def test_a_fine_tuning_of_another_bundle_does_not_go_on_from_it(tmp_path: Path) -> None:
    work = Workplace.beside(tmp_path / "bundle", None)
    work.begin(history(), CONFIG, parent="a" * 64, first=True)
    work.begin(history(), CONFIG, parent="a" * 64, first=True)
    for parent in ("b" * 64, None):
        with pytest.raises(EnvironmentFault, match="training that goes on from another bundle, or from none: give the"):
            work.begin(history(), CONFIG, parent=parent, first=True)


@pytest.mark.parametrize("plan", [b"", b"[]", b"\xff"])
def test_a_damaged_plan_is_told_of(tmp_path: Path, plan: bytes) -> None:
    work = Workplace.beside(tmp_path / "bundle", None)
    work.folder.mkdir()
    (work.folder / "plan.json").write_bytes(plan)
    with pytest.raises(EnvironmentFault, match=r"plan\.json is damaged"):
        work.begin(history(), CONFIG, parent=None, first=True)


def test_only_the_first_process_writes(tmp_path: Path) -> None:
    work = Workplace.beside(tmp_path / "bundle", None)
    work.begin(history(), CONFIG, parent=None, first=False)
    assert not work.folder.exists()


def test_a_folder_of_ones_own_choice_stays(tmp_path: Path) -> None:
    for chosen in (None, tmp_path / "chosen"):
        work = Workplace.beside(tmp_path / "bundle", chosen)
        work.begin(history(), CONFIG, parent=None, first=True)
        work.finish(0)
        assert work.folder.exists() == (chosen is not None)


def test_a_folder_that_cannot_be_made_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match="cannot be used"):
        Workplace.beside(tmp_path / "bundle", tmp_path / "file" / "work").begin(
            history(), CONFIG, parent=None, first=True
        )
