"""The port that tells metrics and health, asked as a prober would."""

import http.client
import json
import socket
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from streamer.clock import ManualClock
from streamer.errors import EnvironmentFault
from streamer.events.record import TopicPartition
from streamer.health import Health, HealthServer
from streamer.metrics import Metrics

SOURCE = TopicPartition("transactions", 0)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def health(clock: ManualClock) -> Health:
    return Health(clock, silence_s=30, stall_after_s=60)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def server(registry: CollectorRegistry, health: Health) -> Iterator[HealthServer]:
    serving = HealthServer("127.0.0.1", 0, registry, health)
    yield serving
    serving.close()


def get(port: int, path: str, host: str = "127.0.0.1", **headers: str) -> tuple[int, str, str]:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read().decode()
    finally:
        connection.close()


def test_live_answers_200_then_503_with_the_reason(server: HealthServer, clock: ManualClock) -> None:
    status, kind, body = get(server.port, "/livez")
    assert (status, kind, json.loads(body)) == (200, "application/json", {"ok": True, "faults": []})
    clock.advance(31)
    status, _, body = get(server.port, "/livez")
    assert (status, json.loads(body)) == (503, {"ok": False, "faults": ["the loop has not turned for 31 s"]})


def test_ready_follows_the_worker(server: HealthServer, health: Health) -> None:
    status, _, body = get(server.port, "/readyz")
    assert status == 503
    assert "no bundle is loaded" in json.loads(body)["faults"]
    health.bundle_loaded()
    health.assigned([SOURCE])
    assert get(server.port, "/readyz")[0] == 200
    health.draining()
    assert get(server.port, "/readyz")[0] == 503


def test_readiness_and_stalls_are_metrics_too(
    server: HealthServer, health: Health, clock: ManualClock, registry: CollectorRegistry
) -> None:
    place = {"topic": "transactions", "partition": "0"}
    assert registry.get_sample_value("streamer_ready") == 0
    health.bundle_loaded()
    health.assigned([SOURCE])
    health.progress(SOURCE, 4, 9)
    assert registry.get_sample_value("streamer_ready") == 1
    assert registry.get_sample_value("streamer_stalled", place) == 0
    clock.advance(61)
    health.beat()
    assert registry.get_sample_value("streamer_ready") == 0
    assert registry.get_sample_value("streamer_stalled", place) == 1
    health.revoked([SOURCE])
    assert registry.get_sample_value("streamer_stalled", place) is None


def test_metrics_are_served_in_the_format_asked_for(server: HealthServer, registry: CollectorRegistry) -> None:
    Metrics(registry).duplicates(3)
    status, kind, body = get(server.port, "/metrics")
    assert (status, kind.split(";")[0]) == (200, "text/plain")
    assert "\nstreamer_duplicates_total 3.0\n" in body
    status, kind, body = get(server.port, "/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert (status, kind.split(";")[0]) == (200, "application/openmetrics-text")
    assert body.endswith("# EOF\n")
    assert "streamer_alert_latency_seconds_bucket" in body


def test_other_paths_are_told_where_to_look(server: HealthServer) -> None:
    status, _, body = get(server.port, "/")
    assert (status, json.loads(body)) == (404, {"paths": ["/metrics", "/livez", "/readyz"]})


def test_a_silent_connection_keeps_nobody_waiting(server: HealthServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port)):
        assert get(server.port, "/livez")[0] == 200


def test_a_port_in_use_is_named_with_setting_and_remedy(server: HealthServer, health: Health) -> None:
    with pytest.raises(EnvironmentFault) as fault:
        HealthServer("127.0.0.1", server.port, CollectorRegistry(), health)
    assert f"127.0.0.1:{server.port}" in str(fault.value)
    assert "http.port" in str(fault.value)


def test_an_unknown_host_is_a_fault_of_the_environment(health: Health) -> None:
    with pytest.raises(EnvironmentFault, match=r"no\.such\.host\.invalid:0"):
        HealthServer("no.such.host.invalid", 0, CollectorRegistry(), health)


def test_closing_frees_the_port_and_the_registry(health: Health, registry: CollectorRegistry) -> None:
    first = HealthServer("127.0.0.1", 0, registry, health)
    first.close()
    second = HealthServer("127.0.0.1", first.port, registry, health)
    second.close()
    assert registry.get_sample_value("streamer_ready") is None


def loopbacks() -> list[str]:
    """List the loopback addresses of this machine: not every container has IPv6."""
    found = []
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family) as probe:
                probe.bind((address, 0))
        except OSError:
            continue
        found.append(address)
    return found


@pytest.mark.parametrize("host", loopbacks())
def test_it_listens_on_every_family_of_addresses(host: str, health: Health, registry: CollectorRegistry) -> None:
    server = HealthServer(host, 0, registry, health)
    try:
        assert get(server.port, "/livez", host=host)[0] == 200
    finally:
        server.close()
