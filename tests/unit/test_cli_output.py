"""Places for results are looked at before the work."""

from pathlib import Path

import pytest

from streamer.cli.output import make_folder, require_place
from streamer.errors import EnvironmentFault


def test_a_file_needs_its_folder(tmp_path: Path) -> None:
    require_place(tmp_path / "result.json")
    assert not (tmp_path / "result.json").exists()
    with pytest.raises(EnvironmentFault, match="make the folder"):
        require_place(tmp_path / "no" / "result.json")


def test_a_folder_is_made_unless_something_else_is_there(tmp_path: Path) -> None:
    make_folder(tmp_path / "new" / "curves", "--tensorboard")
    make_folder(tmp_path / "new" / "curves", "--tensorboard")
    assert (tmp_path / "new" / "curves").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFault, match=r"--tensorboard: the folder .* cannot be made"):
        make_folder(tmp_path / "file", "--tensorboard")
