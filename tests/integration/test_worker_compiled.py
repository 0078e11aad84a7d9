"""Nothing is compiled while payments wait: not by a worker that is ready, nor by one in a container."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_ready_worker_has_compiled_all_that_it_runs_and_the_image_holds_it(bundle: Path, tmp_path: Path) -> None:
    run(ROOT / "deploy" / "warm.py", machine_code=tmp_path)
    image = files(tmp_path)
    assert run("-m", "tests.helpers.ready_worker", bundle, machine_code=tmp_path) == "[]"
    assert image
    assert files(tmp_path) == image


def run(*arguments: object, machine_code: Path) -> str:
    """Run Python with a cache of numba's own."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(machine_code), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout.strip()


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*.nbc")}
