"""Liveness and readiness, and the one port that tells them beside the metrics.

Live: the loop turns. Ready: a bundle is loaded, the group gave partitions, none of them stalls,
and no shutdown has begun.
"""

import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from streamer.clock import Clock
from streamer.errors import EnvironmentFault
from streamer.events.record import TopicPartition

_CLOSES_WITHIN_S = 0.05


@dataclass(slots=True)
class _Progress:
    position: int
    moved_at: float
    told_at: float
    lag: int = 0
    to_restore: int = 0


class Health:
    """What the loop reports; safe to ask from another thread."""

    def __init__(self, clock: Clock, *, silence_s: float, stall_after_s: float) -> None:
        """Start live and not ready.

        Args:
            clock: gives all times.
            silence_s: longest time between two turns of the loop.
            stall_after_s: longest time a partition may lag without moving.
        """
        self._clock = clock
        self._silence_s = silence_s
        self._stall_after_s = stall_after_s
        self._beat_at = clock.monotonic()
        self._has_bundle = False
        self._draining = False
        self._blocked: str | None = None
        self._fenced: str | None = None
        self._partitions: dict[TopicPartition, _Progress] = {}
        self._lock = threading.Lock()

    def beat(self) -> None:
        """Say that the loop turns."""
        self._beat_at = self._clock.monotonic()

    def bundle_loaded(self) -> None:
        """Say that there is a bundle to judge by."""
        self._has_bundle = True

    def draining(self) -> None:
        """Say that a shutdown has begun."""
        self._draining = True

    def assigned(self, sources: Iterable[TopicPartition]) -> None:
        """Say that partitions are this worker's."""
        now = self._clock.monotonic()
        with self._lock:
            for source in sources:
                self._partitions[source] = _Progress(position=-1, moved_at=now, told_at=now)

    def revoked(self, sources: Iterable[TopicPartition]) -> None:
        """Say that partitions went elsewhere."""
        with self._lock:
            for source in sources:
                self._partitions.pop(source, None)

    def progress(self, source: TopicPartition, position: int, lag: int) -> None:
        """Say where a partition stands; one that is not this worker's is ignored."""
        now = self._clock.monotonic()
        with self._lock:
            state = self._partitions.get(source)
            if state is None:
                return
            if position != state.position or lag == 0:
                state.position, state.moved_at = position, now
            state.lag, state.told_at = lag, now

    def restoring(self, source: TopicPartition, records: int) -> None:
        """Say how many records a partition has still to read until its state is whole."""
        with self._lock:
            if source in self._partitions:
                self._partitions[source].to_restore = max(0, records)

    def blocked(self, cause: str | None) -> None:
        """Say why outputs are not taken; None when they are."""
        self._blocked = cause

    def fenced(self, cause: str | None) -> None:
        """Say why there is no worker at present: another process took its place; None when there is a new one."""
        self._fenced = cause

    def faults_of_life(self) -> list[str]:
        """List why the process should be restarted; empty when it lives."""
        silence = self._clock.monotonic() - self._beat_at
        return [f"the loop has not turned for {silence:.0f} s"] if silence > self._silence_s else []

    def faults_of_readiness(self) -> list[str]:
        """List why the worker does not do its work; empty when it does."""
        faults = self.faults_of_life()
        if not self._has_bundle:
            faults.append("no bundle is loaded")
        if self._draining:
            faults.append("shutting down")
        if self._blocked is not None:
            faults.append(f"outputs are not taken: {self._blocked}")
        if self._fenced is not None:
            faults.append(f"another process took over: {self._fenced}")
        stalls = self.stalls()
        if not stalls:
            faults.append("no partition is assigned: the group has more workers than partitions, or is joining")
        return [*faults, *self._restores(), *(stall for stall in stalls.values() if stall)]

    def _restores(self) -> list[str]:
        with self._lock:
            return [
                f"{source.topic}/{source.partition} is being restored: {progress.to_restore} records to read"
                for source, progress in self._partitions.items()
                if progress.to_restore
            ]

    def stalls(self) -> dict[TopicPartition, str]:
        """Return, for each partition of this worker, how it stands still; empty text when it moves."""
        now = self._clock.monotonic()
        with self._lock:
            return {source: self._stall(source, progress, now) for source, progress in self._partitions.items()}

    def _stall(self, source: TopicPartition, progress: _Progress, now: float) -> str:
        unknown_for = now - progress.told_at
        if unknown_for > self._stall_after_s:
            return f"{source.topic}/{source.partition} has no known lag for {unknown_for:.0f} s: is the broker there?"
        if progress.lag == 0 or now - progress.moved_at <= self._stall_after_s:
            return ""
        return f"{source.topic}/{source.partition} stands at {progress.position} with {progress.lag} records to read"


class _HealthCollector(Collector):
    """Tells readiness beside the metrics, so that rules can alert on it."""

    def __init__(self, health: Health) -> None:
        self._health = health

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily("streamer_ready", "Whether /readyz answers 200.")
        yield GaugeMetricFamily("streamer_stalled", "Whether a partition stands still.", labels=["topic", "partition"])

    def collect(self) -> Iterator[GaugeMetricFamily]:
        ready, stalled = self.describe()
        ready.add_metric([], float(not self._health.faults_of_readiness()))
        for source, stall in self._health.stalls().items():
            stalled.add_metric([source.topic, str(source.partition)], float(bool(stall)))
        yield ready
        yield stalled


class HealthServer:
    """Serves /metrics, /livez and /readyz from a thread of its own."""

    def __init__(self, host: str, port: int, registry: CollectorRegistry, health: Health) -> None:
        """Begin to serve.

        Args:
            host: address or name to listen on; IPv6 as well.
            port: 0 takes any free one.
            registry: what /metrics tells; readiness is added to it until `close`.
            health: what /livez and /readyz tell.

        Raises:
            EnvironmentFault: the address cannot be listened on.
        """
        application = _application(make_wsgi_app(registry), health)
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
            server = _ThreadingServer if family == socket.AF_INET else _ThreadingServerV6
            self._server = make_server(host, port, application, server, _QuietHandler)
        except (OSError, OverflowError) as error:
            raise EnvironmentFault(
                f"cannot serve metrics and health on {host}:{port} ({error}): end what uses the port, "
                "or set http.port to another one (0 takes any free one)"
            ) from error
        self.port: int = self._server.server_port
        self._registry = registry
        self._collector = _HealthCollector(health)
        registry.register(self._collector)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_CLOSES_WITHIN_S,), name="metrics and health", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._registry.unregister(self._collector)


class _ThreadingServer(ThreadingMixIn, WSGIServer):
    # A probe that hangs must not keep others from being answered, nor the process from ending.
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: only lost and silent connections come here; failures of ours are answered with 500."""


class _ThreadingServerV6(_ThreadingServer):
    address_family = socket.AF_INET6


class _QuietHandler(WSGIRequestHandler):
    timeout = 10.0  # seconds: who connects and says nothing gives its thread back

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base fixes the name)
        """Say nothing: probes come every few seconds."""


def _application(metrics: WSGIApplication, health: Health) -> WSGIApplication:
    checks: dict[str, Callable[[], Sequence[str]]] = {
        "/livez": health.faults_of_life,
        "/readyz": health.faults_of_readiness,
    }

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        if path == "/metrics":
            return metrics(environ, start)
        if path not in checks:
            return _respond(start, HTTPStatus.NOT_FOUND, {"paths": ["/metrics", *checks]})
        faults = checks[path]()
        status = HTTPStatus.SERVICE_UNAVAILABLE if faults else HTTPStatus.OK
        return _respond(start, status, {"ok": not faults, "faults": list(faults)})

    return answer


def _respond(start: StartResponse, status: HTTPStatus, body: dict[str, object]) -> list[bytes]:
    start(f"{status.value} {status.phrase}", [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]
