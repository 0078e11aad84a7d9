"""A training that is killed and goes on ends in the same bits as one that is not."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
import torch

from detectors.api import FeatureTable, Windows
from detectors.registry import Storable
from detectors.training.config import NOWHERE, Folders, Progress, TrainingConfig
from detectors.training.dataset import Parts, split_by_time
from detectors.training.fit import fit_gan, fit_vae
from streamer.state.features import TABLE
from tests.conftest import SMALL_WORLD
from tests.helpers.windows import simulated_windows

Report = Callable[[Progress], None]

CONFIG = TrainingConfig(seed=3, epochs=3, batch_size=64)
STEPS = 3 * 12


class Fit(Protocol):
    def __call__(
        self, parts: Parts, table: FeatureTable, config: TrainingConfig, progress: Report, *, folders: Folders
    ) -> Storable: ...


FITS: Mapping[str, Fit] = {"vae": fit_vae, "gan": fit_gan}


class Killed(Exception):
    pass


@cache
def parts() -> Parts:
    windows: Windows = simulated_windows(SMALL_WORLD, 15)[0].rows(slice(0, 1_000))
    return split_by_time(windows, 0.2)


def trained(model: str, folders: Folders, tell: Report) -> dict[str, bytes]:
    detector = FITS[model](parts(), TABLE, CONFIG, tell, folders=folders)
    return {name: np.ascontiguousarray(array).tobytes() for name, array in detector.arrays().items()}


@cache
def undisturbed(model: str) -> dict[str, bytes]:
    return trained(model, NOWHERE, lambda _: None)


@pytest.mark.parametrize("model", FITS)
@pytest.mark.parametrize("at", [1, 5, 12, 13, 29, STEPS])
def test_it_goes_on_to_the_same_bits_wherever_it_was_killed(tmp_path: Path, model: str, at: int) -> None:
    folders = Folders(tmp_path, every=2)

    def kill(now: Progress) -> None:
        if now.step == at:
            raise Killed

    with pytest.raises(Killed):
        trained(model, folders, kill)
    told: list[int] = []
    assert trained(model, folders, lambda now: told.append(now.step)) == undisturbed(model)
    begin = (at - 1) // 2 * 2 + 1 if (at - 1) % 12 else at
    assert told == list(range(begin, STEPS + 1))


def test_a_finished_training_is_not_done_again(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    once = trained("vae", folders, lambda _: None)
    told: list[Progress] = []
    assert trained("vae", folders, told.append) == once
    assert not told


def test_an_early_stop_is_remembered(tmp_path: Path) -> None:
    # Nothing gets better where nothing moves.
    still = TrainingConfig(seed=3, epochs=9, batch_size=64, learning_rate=0, weight_decay=0, patience=2)
    told: list[int] = []
    fit_vae(parts(), TABLE, still, lambda now: told.append(now.step), folders=Folders(tmp_path))
    assert told[-1] == 12 * 3
    fit_vae(parts(), TABLE, still, lambda now: told.append(now.step), folders=Folders(tmp_path))
    assert told[-1] == 12 * 3
    assert len(told) == 12 * 3


def test_a_checkpoint_needs_no_code_to_be_read(tmp_path: Path) -> None:
    trained("gan", Folders(tmp_path), lambda _: None)
    kept = torch.load(tmp_path / "gan.ckpt", weights_only=True)
    assert set(kept["best"]["weights"]) <= {name.removeprefix("networks.0.") for name in kept["state_dict"]}


def test_another_configuration_begins_anew(tmp_path: Path) -> None:
    other = replace(CONFIG, epochs=1)
    fit_vae(parts(), TABLE, other, lambda _: None, folders=Folders(tmp_path))
    assert trained("vae", Folders(tmp_path), lambda _: None) == undisturbed("vae")
