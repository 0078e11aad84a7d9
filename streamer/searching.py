"""A search for the hyper-parameters of the models of a bundle."""

from collections.abc import Callable, Mapping
from pathlib import Path

from detectors.threads import use_one_thread
from detectors.training.config import Progress, TrainingConfig
from detectors.training.fit import split
from detectors.training.found import Found
from detectors.training.processes import processes
from streamer.errors import EnvironmentFault, SettingsError
from streamer.history import History
from streamer.state.features import TABLE


def search_models(
    history: History, config: TrainingConfig, *, trials: int, progress: Callable[[Progress], None], folder: Path
) -> Mapping[str, Found]:
    """Search for each model until so many trials are finished, earlier ones in the folder included.

    Args:
        history: windows in time order; those that calibrate are not looked at.
        config: where the search begins.
        trials: of each model.
        progress: told of every step.
        folder: keeps the trials, so that a killed search goes on.

    Raises:
        SettingsError: several processes train together.
        EnvironmentFault: a package is missing.
    """
    if processes() > 1:
        raise SettingsError("--search runs in one process: leave torchrun or --search out")
    try:
        from detectors.training.search import search  # noqa: PLC0415 (needs an extra)
        from detectors.training.search_spaces import SEARCHABLE  # noqa: PLC0415 (as above)
    except ImportError as error:
        raise EnvironmentFault(f"--search needs {error.name}: run pip install 'fraud-streamer[train]'") from error
    use_one_thread()
    windows = split(history.windows, config).fit
    return {
        model: search(model, windows, TABLE, config, trials=trials, progress=progress, folder=folder)
        for model in SEARCHABLE
    }
