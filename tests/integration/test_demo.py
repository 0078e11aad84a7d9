"""The demonstration as a person runs it."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers.worker import run_to_end

SMALL = ["--users", "200", "--merchants", "60", "--history-days", "15", "--rate", "200"]


def command(folder: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "streamer", "demo", "--folder", str(folder), *SMALL, *more]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, jars: Path) -> Path:
    """A folder that shares the fetched Kafka with the other tests."""
    folder = tmp_path_factory.mktemp("demo")
    jars.mkdir(parents=True, exist_ok=True)
    (folder / "cache").symlink_to(jars)
    return folder


def test_it_ends_by_itself_with_one_json_document(folder: Path) -> None:
    done = run_to_end(command(folder, "--duration", "10", "--json"), within_s=300)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["judged"] > 1_000
    assert summary["worker_exit"] == 0
    assert summary["rejected"] == 0
    assert 0 < summary["latency_p50_ms"] <= summary["latency_p99_ms"]
    assert "kafka.consumer" in done.stderr
    assert "/metrics" in done.stderr


def test_ctrl_c_drains_and_stops(folder: Path) -> None:
    with subprocess.Popen(command(folder, "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stderr is not None
        seen = ""
        while "metrics:" not in seen:
            line = demo.stderr.readline()
            assert line, seen
            seen += line
        time.sleep(6)
        demo.send_signal(signal.SIGINT)
        out, rest = demo.communicate(timeout=120)
    assert demo.returncode == 0, rest
    assert "Traceback" not in rest
    assert not out or json.loads(out)["worker_exit"] == 0


def test_a_second_demo_in_one_folder_is_told_so(folder: Path) -> None:
    with subprocess.Popen(command(folder), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as first:
        assert first.stderr is not None
        while "starting" not in (line := first.stderr.readline()):
            assert line
        second = run_to_end(command(folder))
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=120)
    assert second.returncode == 6
    assert f"process {first.pid}: end that process or choose another folder" in second.stderr
    assert "Traceback" not in second.stderr


def test_nothing_is_left_when_it_is_killed(folder: Path) -> None:
    with subprocess.Popen(command(folder), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stderr is not None
        while "metrics:" not in (line := demo.stderr.readline()):
            assert line
        demo.kill()
    left = [folder / "run" / "worker.pid", folder / "run" / "kafka" / "broker.pid"]
    deadline = time.monotonic() + 60
    while any(path.exists() for path in left):
        assert time.monotonic() < deadline, [path.name for path in left if path.exists()]
        time.sleep(0.1)


def test_a_folder_that_cannot_be_written_is_named() -> None:
    done = run_to_end(command(Path("/proc/nowhere")))
    assert done.returncode == 6
    assert "/proc/nowhere" in done.stderr
    assert "--folder" in done.stderr
    assert "Traceback" not in done.stderr
