"""The compose file, read as Compose would: everything it names is there."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from streamer.cli.app import app
from streamer.settings import PREFIX, leaves, load

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
VARIABLES = {f"{PREFIX}{group}__{name}".upper() for group, name, _ in leaves()}
OURS = [name for name, service in SERVICES.items() if service["image"].startswith("fraud-streamer:")]


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+\.\d+", SERVICES[name]["image"])


@pytest.mark.parametrize("name", SERVICES)
def test_mounts_exist(name: str) -> None:
    for mount in SERVICES[name].get("volumes", []):
        source = mount.split(":")[0]
        if source.startswith("."):
            assert (DEPLOY / source).exists(), mount
            assert mount.endswith(":ro"), mount
        elif not source.startswith("/"):  # a path alone is an anonymous volume
            assert source in COMPOSE["volumes"], mount


@pytest.mark.parametrize("name", SERVICES)
def test_services_wait_for_what_can_happen(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        awaited = SERVICES[other]
        match how["condition"]:
            case "service_healthy":
                assert "test" in awaited["healthcheck"]
            case "service_completed_successfully":
                assert awaited["restart"] == "no"
            case condition:
                assert condition == "service_started"


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_open_to_this_machine_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", OURS)
def test_our_services_get_settings_that_exist_and_no_rights(name: str) -> None:
    service = SERVICES[name]
    assert set(service["environment"]) <= VARIABLES
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()


@pytest.mark.parametrize("name", OURS)
def test_our_services_run_commands_that_exist(name: str) -> None:
    commands = {command.callback.__name__ for command in app.registered_commands if command.callback is not None}
    words = SERVICES[name].get("command", ["run"])
    used = re.findall(r"^streamer (\w+)", words[0], flags=re.MULTILINE) or [words[0]]
    assert set(used) <= commands


def test_the_workers_reach_the_broker_by_the_listener_inside() -> None:
    host, port = SERVICES["worker"]["environment"]["STREAMER_KAFKA__BOOTSTRAP_SERVERS"].split(":")
    assert host in SERVICES
    assert f"INSIDE://{host}:{port}" in SERVICES[host]["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")


def test_the_topics_are_those_of_the_settings() -> None:
    topics = load().topics
    made = dict(re.findall(r"([\w-]+):(\d+)", SERVICES["topics"]["command"][-1].split(";")[0]))
    assert set(made) == {topics.transactions, topics.alerts, topics.dead_letters}
    assert int(made[topics.transactions]) >= SERVICES["worker"]["scale"]


def test_live_payments_are_not_those_that_were_learnt_from() -> None:
    training = re.findall(r"--seed (\d+)", SERVICES["train"]["command"][0])
    live = re.findall(r"--seed (\d+)", " ".join(SERVICES["simulator"]["command"]))
    assert len(training) == len(live) == 1
    assert training != live


def test_prometheus_finds_the_workers_and_alertmanager() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    (found,) = config["scrape_configs"][0]["dns_sd_configs"]
    assert found["names"] == ["worker"]
    assert found["port"] == load().http.port
    (target,) = config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    assert target.split(":")[0] in SERVICES


def test_grafana_finds_prometheus_and_the_dashboard() -> None:
    provisioning = DEPLOY / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text("utf-8"))["datasources"]
    assert urlsplit(source["url"]).hostname in SERVICES
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "streamer.yaml").read_text("utf-8"))["providers"]
    mounts = dict(mount.split(":")[1::-1] for mount in SERVICES["grafana"]["volumes"])
    assert list((DEPLOY / mounts[provider["options"]["path"]]).glob("*.json"))
