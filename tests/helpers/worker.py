"""What integration tests share: a worker as its own process, topics of its own, plain readers."""

import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import kafka
from kafka.errors import KafkaError

from streamer.alerts.contract import Alert, decode_alert
from streamer.events.record import Message, Record
from streamer.settings import KafkaSettings
from streamer.transport.bounded import BoundedTopic
from streamer.transport.kafka import KafkaConsumer, KafkaProducer
from streamer.transport.kafka_admin import create_topics

PATIENCE_S = 60.0


def eventually(what: str, condition: Callable[[], bool], *, within_s: float = PATIENCE_S) -> None:
    """Wait for a condition that must come true."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s:g} s: {what}")
        time.sleep(0.05)


@dataclass(frozen=True)
class Topics:
    """Topics and a group that no other test uses."""

    bootstrap: str
    name: str = field(default_factory=lambda: uuid.uuid4().hex[:12])

    @property
    def transactions(self) -> str:
        return f"transactions-{self.name}"

    @property
    def alerts(self) -> str:
        return f"alerts-{self.name}"

    @property
    def dead_letters(self) -> str:
        return f"dead-letters-{self.name}"

    @property
    def flags(self) -> dict[str, str]:
        return {
            "kafka.bootstrap_servers": self.bootstrap,
            "kafka.group_id": f"group-{self.name}",
            "topics.transactions": self.transactions,
            "topics.alerts": self.alerts,
            "topics.dead_letters": self.dead_letters,
        }

    def create(self, partitions: int) -> "Topics":
        settings = KafkaSettings(bootstrap_servers=self.bootstrap)
        create_topics(settings, {self.transactions: partitions, self.alerts: 1, self.dead_letters: 1})
        return self

    def produce(self, messages: Sequence[Message]) -> None:
        producer = KafkaProducer(KafkaSettings(bootstrap_servers=self.bootstrap))
        try:
            for message in messages:
                producer.send(message)
            producer.flush(timeout_s=PATIENCE_S)
        finally:
            producer.close()

    def read(self, topic: str) -> list[Record]:
        """Read a topic from its beginning to its present end, in a group of its own."""
        consumer = KafkaConsumer(KafkaSettings(bootstrap_servers=self.bootstrap, group_id=uuid.uuid4().hex))
        source = BoundedTopic(consumer, [topic])
        records: list[Record] = []
        try:
            while batch := source.poll(timeout_s=0.2, max_records=10_000):
                records += batch
        finally:
            consumer.close()
        return records

    def committed(self) -> int:
        """Return how many input records the group has committed, all partitions together, as far as is known."""
        admin = kafka.KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            groups = admin.list_group_offsets({f"group-{self.name}": None})
        except KafkaError:
            return 0
        finally:
            admin.close()
        return sum(found.offset for group in groups.values() for found in group.values() if found.offset > 0)


class Process(Protocol):
    """What `subprocess.Popen` and other ways to run a program have in common."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def send_signal(self, number: int, /) -> None: ...

    def kill(self) -> None: ...

    def wait(self, timeout: float | None = None) -> int: ...


@dataclass
class RunningWorker:
    """`streamer run` as a process of its own."""

    process: Process
    log: Path

    @property
    def url(self) -> str:
        found = re.search(r"http://[\d.]+:\d+", self.text())
        assert found is not None, self.text()
        return found.group()

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def ready(self) -> bool:
        assert self.process.poll() is None, f"the worker ended with {self.process.poll()}:\n{self.text()}"
        if "/metrics" not in self.text():
            return False
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            error.close()
            return False

    def metrics(self) -> str:
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as answer:
            return str(answer.read(), "utf-8")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


def command_arguments(command: str, flags: Mapping[str, str], *more: str) -> list[str]:
    sets = [part for name, value in flags.items() for part in ("--set", f"{name}={value}")]
    return [*command.split(), *sets, *more]


def command_of(command: str, flags: Mapping[str, str], *more: str) -> list[str]:
    return [sys.executable, "-m", "streamer", *command_arguments(command, flags, *more)]


@contextmanager
def worker(topics: Topics, bundle: Path, log: Path, *more: str) -> Iterator[RunningWorker]:
    """Run a worker until the block ends; it is ready when the block begins."""
    with log.open("wb") as output:
        command = command_of("run", worker_flags(topics, bundle), *more)
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    with until_the_end(RunningWorker(process, log)) as running:
        yield running


def worker_flags(topics: Topics, bundle: Path) -> dict[str, str]:
    return {**topics.flags, "worker.bundle": str(bundle), "http.port": "0", "log.format": "json"}


@contextmanager
def until_the_end(running: RunningWorker) -> Iterator[RunningWorker]:
    """Wait until a worker is ready, and end it after the block."""
    try:
        eventually("the worker is ready", running.ready)
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.wait()


def run_to_end(command: Sequence[str], *, within_s: float = PATIENCE_S) -> "subprocess.CompletedProcess[str]":
    """Run a command that must end by itself."""
    return subprocess.run(command, capture_output=True, text=True, timeout=within_s, check=False)


def alerts_of(records: Sequence[Record]) -> list[Alert]:
    return [decode_alert(record.value or b"") for record in records]
