"""`streamer train`: killed and gone on with, with a search, with curves, and from files."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from streamer.bundles import open_bundle
from streamer.cli import train as command
from streamer.errors import EnvironmentFault
from streamer.simulate.stream import simulate
from streamer.simulate.to_file import to_file
from tests.conftest import SMALL_WORLD

EPOCHS = "4"


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "past.parquet"
    to_file(simulate(SMALL_WORLD, range(16)), path)
    return path


def run(*arguments: str) -> dict[str, object]:
    result: dict[str, object] = json.loads(invoke(*arguments).stdout)
    return result


def invoke(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(command.train)
    done = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "training" not in done.stderr, "no bar is drawn where there is no terminal"
    return done


def digests(bundle: Path) -> set[tuple[str, str]]:
    """Return what a bundle judges by; its card also tells when it was made."""
    files = open_bundle(bundle).manifest.files
    return {(file.name, file.sha256) for file in files if not file.name.startswith("card")}


def test_a_killed_training_goes_on_to_the_same_bundle(past: Path, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    options = ("--data", str(past), "--epochs", EPOCHS, "--out")
    process = subprocess.Popen((sys.executable, "-m", "streamer", "train", *options, str(out)), cwd=Path.cwd())
    started = tmp_path / "bundle.training" / "gan.ckpt"
    while not started.exists() and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not out.exists(), "it was killed too late"
    assert "going on with gan after " in invoke(*options, str(out)).stderr
    assert not started.parent.exists()
    assert "going on" not in invoke(*options, str(tmp_path / "other")).stderr
    assert digests(out) == digests(tmp_path / "other")


def test_a_search_is_kept_and_goes_on(past: Path, tmp_path: Path) -> None:
    options = ("--data", str(past), "--epochs", "1", "--newest", "2000", "--work-dir", str(tmp_path / "work"))
    once = run(*options, "--out", str(tmp_path / "once"), "--search", "1")
    found = once["search"]
    assert isinstance(found, dict)
    assert set(found) == {"vae", "gan"}
    again = run(*options, "--out", str(tmp_path / "again"), "--search", "1")
    assert again["search"] == found
    assert digests(tmp_path / "again") == digests(tmp_path / "once")
    with pytest.raises(EnvironmentFault, match="other options"):
        run(*options, "--out", str(tmp_path / "third"), "--seed", "3")


def test_windows_in_files_make_the_same_bundle(past: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ("--data", str(past), "--epochs", "1", "--newest", "3000", "--tensorboard", str(tmp_path / "curves"))
    run(*options, "--out", str(tmp_path / "memory"))
    monkeypatch.setattr(command, "IN_MEMORY", 100)
    run(*options, "--out", str(tmp_path / "files"))
    assert digests(tmp_path / "files") == digests(tmp_path / "memory")
    assert {path.name for path in tmp_path.iterdir()} == {"curves", "files", "memory"}
    assert {path.name for path in (tmp_path / "curves").iterdir()} == {"vae", "gan"}
