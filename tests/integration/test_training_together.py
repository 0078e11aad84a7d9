"""Two processes, started by torchrun, train as one would."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.threads import use_one_thread
from streamer.bundles import open_bundle
from streamer.simulate.stream import simulate
from streamer.simulate.to_file import to_file
from tests.conftest import SMALL_WORLD
from tests.helpers.together import main

Arrays = Mapping[str, NDArray[np.float32]]


def torchrun(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module in two processes."""
    launch = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m")
    done = subprocess.run(
        (*launch, *arguments),
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Arrays, Arrays]:
    folder = tmp_path_factory.mktemp("together")
    torchrun("tests.helpers.together", str(folder))
    first, second = (dict(np.load(folder / f"rank-{rank}.npz", allow_pickle=False)) for rank in (0, 1))
    return folder, first, second


def test_all_end_with_the_same_weights(together: tuple[Path, Arrays, Arrays]) -> None:
    _, first, second = together
    assert first.keys() == second.keys()
    for name in first.keys() - {"told"}:
        assert first[name].tobytes() == second[name].tobytes(), name


def test_two_learn_what_one_would_learn(together: tuple[Path, Arrays, Arrays], tmp_path: Path) -> None:
    """The autoregressive model draws nothing: the mean of two gradients is the gradient of all rows."""
    use_one_thread()
    main(tmp_path)
    alone: Arrays = dict(np.load(tmp_path / "rank-0.npz", allow_pickle=False))
    of_model = [name for name in alone if name.startswith("autoregressive.network")]
    assert of_model
    for name in of_model:
        np.testing.assert_allclose(together[1][name], alone[name], rtol=0, atol=1e-5, err_msg=name)


def test_only_the_first_tells_and_writes(together: tuple[Path, Arrays, Arrays]) -> None:
    folder, first, second = together
    assert first["told"] == 2 * 2 * 12
    assert second["told"] == 0
    assert [path.name for path in (folder / "work").iterdir()] == ["gan.ckpt"]
    assert len(list((folder / "curves" / "gan").iterdir())) == 1


def test_the_command_trains_one_bundle(tmp_path: Path) -> None:
    to_file(simulate(SMALL_WORLD, range(5)), tmp_path / "past.parquet")
    out = tmp_path / "bundle"
    run = torchrun(
        "streamer", "train", "--data", str(tmp_path / "past.parquet"), "--out", str(out), "--epochs", "1", "--json"
    )
    assert json.loads(run.stdout)["bundle"] == str(out)
    assert open_bundle(out).manifest.made.seed == 0
    assert not out.with_name("bundle.training").exists()
