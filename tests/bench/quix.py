"""A peer in an environment of its own: Quix Streams with the same detectors on the same records.

The environment is made by uv from `quix.lock`, at first use, in `.bench/quix`.
"""

import hashlib
import os
import subprocess
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path

from uv import find_uv_bin

from tests.bench.startup import produce
from tests.bench.timing import EVENTS_PER_S, Measurement
from tests.bench.workload import PARTITIONS, Workload
from tests.helpers.worker import Topics

VARIANTS = {"Quix Streams": "whole", "Quix Streams without models": "features"}
"""Names in the table and what the application is told: to judge, or to keep windows and features only."""

_ROOT = Path(__file__).parents[2]
_LOCK = Path(__file__).with_name("quix.lock")
_PLACE = _ROOT / ".bench" / "quix"
_INSTALLS_WITHIN_S = 1_200.0
_RUNS_WITHIN_S = 300.0
_SHOWN = 300


class Unavailable(Exception):
    """The peer cannot be measured here; the text says why."""


def reading(what: str, workload: Workload, bootstrap: str, folder: Path, *, events: int, times: int) -> Measurement:
    """Let the peer judge the first events of the backlog, each time in a group and with a state of its own.

    Args:
        what: one of `VARIANTS`.
        workload: records and bundle.
        bootstrap: the broker.
        folder: for the application's state.
        events: how many are judged.
        times: repetitions.

    Raises:
        Unavailable: it cannot be installed, or does not run.
    """
    python = environment(_PLACE)
    topics = Topics(bootstrap).create(PARTITIONS)
    produce(topics, workload.records[:events])
    rates = []
    for _ in range(times):
        group = uuid.uuid4().hex
        arguments: list[object] = [bootstrap, topics.transactions, topics.alerts, group, workload.folder]
        arguments += [folder / group, events, VARIANTS[what]]
        ended = _run([python, "-m", "tests.bench.quix_app", *map(str, arguments)], _RUNS_WITHIN_S)
        rates.append(float(ended.splitlines()[-1]))
    return Measurement("peers", what, EVENTS_PER_S, tuple(rates))


def environment(place: Path) -> Path:
    """Return the Python of an environment as the lock wants it, made or made anew if need be.

    Raises:
        Unavailable: it cannot be installed.
    """
    python, stamp = place / "bin" / "python", place / ".installed"
    wanted = hashlib.sha256(_LOCK.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        uv = find_uv_bin()
        _run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(place)], _INSTALLS_WITHIN_S)
        sync = [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", str(python), str(_LOCK)]
        _run(sync, _INSTALLS_WITHIN_S)
        stamp.write_text(wanted, encoding="utf-8")
    return python


def _run(command: Sequence[str | Path], within_s: float) -> str:
    """Return what a command prints."""
    environ = {**os.environ, "PYTHONPATH": str(_ROOT)}
    try:
        ended = subprocess.run(
            command, cwd=_ROOT, env=environ, capture_output=True, text=True, timeout=within_s, check=True
        )
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"{Path(command[0]).name} ended with {error.returncode}: {error.stderr[-_SHOWN:]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(str(error)) from error
    return ended.stdout
