"""The demonstration as a person runs it."""

import json
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from streamer.demo.options import LONGEST_DAYS
from streamer.scrape import Scrape
from streamer.simulate.config import SimulationConfig
from streamer.simulate.stream import simulate
from tests.helpers.forked import run_forked
from tests.helpers.worker import eventually, run_to_end

USERS, MERCHANTS, DAYS = 200, 60, 15
SMALL = [f"--users={USERS}", f"--merchants={MERCHANTS}", f"--history-days={DAYS}", "--rate=400"]


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
    done = run_to_end(command(folder, "--duration", "5", "--json"), within_s=300)
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
        url, history = address_of_metrics(demo), history_payments()
        eventually("payments of the live part are judged", lambda: judged(url) > history)
        demo.send_signal(signal.SIGINT)
        out, rest = demo.communicate(timeout=120)
    assert demo.returncode == 0, rest
    assert "Traceback" not in rest
    summary = json.loads(out)
    assert summary["judged"] > 0
    assert summary["worker_exit"] == 0


def test_a_second_one_in_its_folder_is_refused_and_nothing_is_left_when_it_is_killed(folder: Path) -> None:
    with subprocess.Popen(command(folder), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as demo:
        address_of_metrics(demo)
        second = run_forked(["demo", "--folder", str(folder)])
        assert demo.poll() is None, "the first goes on"
        demo.kill()
    assert second.returncode == 6
    assert f"process {demo.pid}: end that process or choose another folder" in second.stderr
    assert "Traceback" not in second.stderr
    left = [folder / "run" / "worker.pid", folder / "run" / "kafka" / "broker.pid"]
    eventually("what it had started is gone", lambda: not any(path.exists() for path in left))


def address_of_metrics(demo: "subprocess.Popen[str]") -> str:
    """Read on until a demonstration tells it."""
    assert demo.stderr is not None
    seen = ""
    while not (found := re.search(r"metrics: (http://\S+)", seen)):
        line = demo.stderr.readline()
        assert line, seen
        seen += line
    return found[1]


def history_payments() -> int:
    world = SimulationConfig(users=USERS, merchants=MERCHANTS, days=DAYS + LONGEST_DAYS, seed=1)
    return sum(1 for _ in simulate(world, range(DAYS)))


def judged(url: str) -> float:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return Scrape.of(str(answer.read(), "utf-8")).total("streamer_events_total")


def test_a_folder_that_cannot_be_written_is_named() -> None:
    done = run_forked(["demo", "--folder", "/proc/nowhere"])
    assert done.returncode == 6
    assert "/proc/nowhere" in done.stderr
    assert "--folder" in done.stderr
    assert "Traceback" not in done.stderr
