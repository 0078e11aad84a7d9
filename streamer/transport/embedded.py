"""A real Apache Kafka of one node, started from wheels and Maven artefacts: no Java, no Docker.

For demos and tests: one broker, one copy of everything, little memory.
"""

import socket
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from streamer.errors import EnvironmentFault
from streamer.transport import embedded_jars
from streamer.transport.embedded_process import BrokerProcess, FolderLock, end_stale, last_words, remedy

_STARTED = "Kafka Server started"
_LOOPBACK = "127.0.0.1"
_SCRAM = "SCRAM-SHA-512"
# The quick compiler and the simple collector halve the start and the memory of a small broker.
_JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError")
_LOGGING = (
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
)
_SINGLE_NODE = MappingProxyType(
    {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.listener.names": "CONTROLLER",
        # After a crash, the node may come back only when its former session has run out.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "offsets.topic.num.partitions": "4",
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "log.cleaner.dedupe.buffer.size": "16777216",
        "log.cleaner.threads": "1",
        # Payments of the past may bear times of the past; a broker would delete them for their age.
        "log.retention.ms": "-1",
    }
)


class EmbeddedKafka:
    """One broker with its data in a folder; ends with this process, even if that is killed."""

    def __init__(
        self,
        folder: Path,
        *,
        cache: Path,
        properties: Mapping[str, str] = MappingProxyType({}),
        protocol: str = "PLAINTEXT",
        host: str = _LOOPBACK,
        users: Mapping[str, str] = MappingProxyType({}),
        port: int = 0,
        heap_mb: int = 512,
        start_timeout_s: float = 60.0,
    ) -> None:
        """Describe the broker; `start` or a `with` block runs it.

        Args:
            folder: holds data, log and process id; made when missing; kept afterwards.
            cache: holds the jars for all brokers of all times.
            properties: broker settings on top of (and stronger than) the built-in ones.
            protocol: what clients speak: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.
            host: the name under which clients are told to connect; must mean this machine.
            users: names and passwords for SCRAM-SHA-512, created with the data.
            port: port for clients; 0 takes any free one and keeps it over restarts.
            heap_mb: heap of the Java machine in MiB.
            start_timeout_s: how long a start may take.
        """
        self._folder = folder.resolve()
        self._cache = cache
        self._properties = dict(properties)
        self._protocol = protocol
        self._host = host
        self._users = dict(users)
        self._port = port
        self._heap_mb = heap_mb
        self._start_timeout_s = start_timeout_s
        self._lock: FolderLock | None = None
        self._process: BrokerProcess | None = None

    @property
    def bootstrap(self) -> str:
        """Where clients connect, as host:port; the port is known after the first start."""
        return f"{self._host}:{self._port}"

    @property
    def log(self) -> Path:
        """The broker's log file."""
        return self._folder / "broker.log"

    def start(self) -> Self:
        """Run the broker, unless it runs, and wait until it serves.

        Takes about 3 s, and 20 s more to fetch the jars once.

        Raises:
            EnvironmentFault: it cannot run here; names the cause, the remedy and the last log lines.
        """
        if self._process is not None and self._process.running:
            return self
        jars = embedded_jars.class_path(self._cache)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = self._lock or FolderLock(self._folder / "owner.pid")
            self._launch([str(embedded_jars.java()), f"-Xmx{self._heap_mb}m", *_JVM, *_LOGGING, "-cp", jars])
        except OSError as error:
            self.stop()
            raise EnvironmentFault(
                f"the embedded Kafka cannot use the folder {str(self._folder)!r} ({error}): choose one it can write"
            ) from error
        except EnvironmentFault:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End the broker in an orderly way and let go of the folder; safe to call twice."""
        if self._process is not None:
            self._process.stop()
            self._process = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def kill(self) -> None:
        """End the broker as a crash would; `start` brings it back with the same data and port."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def restart(self) -> None:
        """Stop in an orderly way and start again: same data, same port."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        """Start it."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    def _launch(self, java: list[str]) -> None:
        config = self._folder / "server.properties"
        pidfile = self._folder / "broker.pid"
        end_stale(pidfile, mark=str(config))
        self._port = self._port or _free_port()
        config.touch(mode=0o600)  # it may hold passwords
        config.write_text("".join(f"{name}={value}\n" for name, value in self._settings().items()), encoding="utf-8")
        if not (self._folder / "data" / "meta.properties").exists():
            self._format(java, config)
        self._process = BrokerProcess([*java, "kafka.Kafka", str(config)], pidfile=pidfile, log=self.log)
        self._process.wait_for(_STARTED, timeout_s=self._start_timeout_s)

    def _settings(self) -> dict[str, str]:
        controller = f"{_LOOPBACK}:{_free_port()}"
        return {
            **_SINGLE_NODE,
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"{self._protocol}://{_LOOPBACK}:{self._port},CONTROLLER://{controller}",
            "advertised.listeners": f"{self._protocol}://{self.bootstrap}",
            "listener.security.protocol.map": f"CONTROLLER:PLAINTEXT,{self._protocol}:{self._protocol}",
            "inter.broker.listener.name": self._protocol,
            "log.dirs": str(self._folder / "data"),
            **self._properties,
        }

    def _format(self, java: list[str], config: Path) -> None:
        """Create the data folder; Kafka does not do it by itself."""
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        users = [f"{_SCRAM}=[name={name},password={password}]" for name, password in self._users.items()]
        added = [part for user in users for part in ("--add-scram", user)]
        command = [*java, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(config), *added]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (java by full path)
        if done.returncode:
            said = done.stdout + done.stderr
            raise EnvironmentFault(
                f"the embedded Kafka cannot create its data in {str(self._folder)!r}: {remedy(said)}{last_words(said)}"
            )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
