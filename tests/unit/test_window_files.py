"""A history in files is the history in memory, and leaves no file that nobody reads."""

from pathlib import Path

import numpy as np
import pytest

from streamer.history import History, collect
from streamer.settings import Settings
from streamer.simulate.stream import simulate
from streamer.simulate.to_file import to_file
from streamer.transport.archive import ArchiveSource
from streamer.window_files import WindowFiles
from tests.conftest import SMALL_WORLD


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "past.parquet"
    to_file(simulate(SMALL_WORLD, range(40)), path)
    return path


def read(archive: Path, newest: int, files: WindowFiles | None = None) -> History:
    source = ArchiveSource(archive, partitions=3)
    return collect(source, Settings(), newest=newest, progress=lambda _: None, files=files)


@pytest.mark.parametrize("newest", [1_000, 1_000_000])
def test_a_history_in_files_is_the_one_in_memory(archive: Path, tmp_path: Path, newest: int) -> None:
    mapped, held = read(archive, newest, WindowFiles(tmp_path / "windows")), read(archive, newest)
    assert isinstance(mapped.windows.steps, np.memmap)
    assert mapped.windows.steps.tobytes() == held.windows.steps.tobytes()
    assert mapped.windows.length.tobytes() == held.windows.length.tobytes()
    assert mapped.windows.last.tobytes() == held.windows.last.tobytes()
    assert (mapped.transaction_id == held.transaction_id).all()
    assert [path.name for path in (tmp_path / "windows").iterdir()] == ["steps.npy"]


def test_what_is_mapped_cannot_be_changed(archive: Path, tmp_path: Path) -> None:
    windows = read(archive, 1_000, WindowFiles(tmp_path / "windows")).windows
    with pytest.raises(ValueError, match="read-only"):
        windows.steps[0, 0, 0] = 1


def test_files_of_a_killed_training_are_replaced(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "windows").mkdir()
    (tmp_path / "windows" / "part-000009.npy").write_bytes(b"half of one")
    read(archive, 1_000, WindowFiles(tmp_path / "windows"))
    assert [path.name for path in (tmp_path / "windows").iterdir()] == ["steps.npy"]
