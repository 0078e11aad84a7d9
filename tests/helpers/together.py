"""One of several processes that train together: python -m tests.helpers.together FOLDER, by torchrun."""

import sys
from pathlib import Path

import numpy as np

from detectors.models.weights import weights_of
from detectors.scaling import Scaling
from detectors.threads import use_one_thread
from detectors.training.config import Folders, Progress, TrainingConfig
from detectors.training.dataset import split_by_time
from detectors.training.fit import fit_autoregressive, train_gan
from detectors.training.processes import rank
from streamer.state.features import TABLE
from tests.conftest import SMALL_WORLD
from tests.helpers.windows import simulated_windows

CONFIG = TrainingConfig(seed=3, epochs=2, batch_size=64)


def main(folder: Path) -> None:
    """Train; leave what this process ended with in rank-N.npz, and how many steps it told of."""
    use_one_thread()
    parts = split_by_time(simulated_windows(SMALL_WORLD, 15)[0].rows(slice(0, 1_000)), 0.2)
    told: list[Progress] = []
    model = fit_autoregressive(parts, TABLE, CONFIG, told.append)
    folders = Folders(folder / "work", curves=folder / "curves")
    scaling = Scaling.fit(parts.fit, TABLE)
    discriminator, generator = train_gan(parts, scaling, TABLE, CONFIG, told.append, folders=folders)
    weights = {
        **{f"autoregressive.{name}": array for name, array in model.arrays().items()},
        **{f"discriminator.{name}": array for name, array in weights_of(discriminator).items()},
        **{f"generator.{name}": array for name, array in weights_of(generator).items()},
    }
    np.savez(folder / f"rank-{rank()}.npz", told=np.array(len(told)), **weights)  # type: ignore[arg-type]  # arrays by name


if __name__ == "__main__":
    main(Path(sys.argv[1]))
