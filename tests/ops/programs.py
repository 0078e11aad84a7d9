"""Programs that tests of operations need; they come from Debian packages."""

import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from tests.helpers.worker import eventually

T = TypeVar("T")

PACKAGES = {"promtool": "prometheus", "prometheus": "prometheus", "amtool": "prometheus-alertmanager"}


def program(name: str) -> str:
    """Return the path of a program; a missing one fails the test with the package that has it."""
    path = shutil.which(name)
    if path is None:
        package = PACKAGES[name]
        raise AssertionError(f"{name} is missing: apt-get install --no-install-recommends {package}")
    return path


def succeed(name: str, *arguments: str | Path) -> str:
    """Run a program that must succeed; return what it printed."""
    done = subprocess.run([program(name), *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{name} {arguments}:\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


class _Series(msgspec.Struct):
    metric: dict[str, str]
    value: tuple[float, str]


class _Vector(msgspec.Struct):
    result: list[_Series]


class _Rule(msgspec.Struct):
    name: str
    health: str


class _Group(msgspec.Struct):
    rules: list[_Rule]


class _Rules(msgspec.Struct):
    groups: list[_Group]


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus."""

    url: str

    def series(self, expression: str) -> list[tuple[Mapping[str, str], float]]:
        """Evaluate an expression now; return labels and value of each series."""
        found = self._ask("query", _Vector, query=expression)
        return [(each.metric, float(each.value[1])) for each in found.result]

    def rule_health(self) -> dict[str, str]:
        """Return the state of every rule by its name: ok, err or unknown."""
        return {rule.name: rule.health for group in self._ask("rules", _Rules).groups for rule in group.rules}

    def _ask(self, path: str, kind: type[T], **parameters: str) -> T:
        """Ask the HTTP API; an error it reports fails the test."""
        request = f"{self.url}/api/v1/{path}?{urlencode(parameters)}"
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return msgspec.convert(msgspec.json.decode(answer.read())["data"], kind)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path} {parameters}: {error.read().decode()}") from None


@contextmanager
def prometheus(config: Path, folder: Path) -> Iterator[Prometheus]:
    """Run a Prometheus until the block ends; it is ready when the block begins."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    log = folder / "prometheus.log"
    command = [
        program("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={address}",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    running = Prometheus(f"http://{address}")

    def ready() -> bool:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(f"{running.url}/-/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    try:
        eventually("Prometheus is ready", ready)
        yield running
    finally:
        process.terminate()
        process.wait()
