"""Pictures of results, as files in a folder."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from streamer.cli.output import make_folder
from streamer.errors import EnvironmentFault


def open_folder(folder: Path) -> None:
    """Make sure that pictures can be drawn and kept there: before the work, not after it.

    Raises:
        EnvironmentFault: a package is missing, or the folder cannot be made.
    """
    if find_spec("matplotlib") is None:
        raise EnvironmentFault("--plots needs matplotlib: run pip install 'fraud-streamer[train]'")
    make_folder(folder, "--plots")


def keep(pictures: Mapping[str, bytes], folder: Path) -> None:
    """Write pictures into a folder.

    Raises:
        EnvironmentFault: one cannot be written.
    """
    try:
        for name, content in pictures.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise EnvironmentFault(f"--plots: pictures cannot be written to {str(folder)!r}: {error}") from error
