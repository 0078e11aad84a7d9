"""Starts that cannot succeed end with a message that says what to do, and no stack trace."""

import socket
import subprocess
from pathlib import Path

import pytest

from tests.helpers.forked import run_forked
from tests.helpers.worker import Topics, command_arguments, command_of, run_to_end


def failed(done: "subprocess.CompletedProcess[str]", code: int, *told: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    for text in told:
        assert text in done.stderr, done.stderr


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_no_broker(bundle: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    flags = {
        "kafka.bootstrap_servers": address,
        "kafka.bootstrap_timeout_s": "2",
        "worker.bundle": str(bundle),
        "http.port": "0",
    }
    failed(run_forked(command_arguments("run", flags)), 3, address)


def test_no_input_topic(kafka: str, bundle: Path) -> None:
    topics = Topics(kafka)
    flags = {**topics.flags, "worker.bundle": str(bundle), "http.port": "0"}
    failed(run_forked(command_arguments("run", flags)), 3, topics.transactions, "does not exist", "create")


def test_no_bundle(kafka: str, tmp_path: Path) -> None:
    flags = {**Topics(kafka).flags, "http.port": "0"}
    failed(run_forked(command_arguments("run", flags)), 4, "streamer train")
    failed(run_forked(command_arguments("run", {**flags, "worker.bundle": str(tmp_path / "none")})), 4, "manifest.json")


def test_port_in_use(kafka: str, bundle: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        flags = {**Topics(kafka).flags, "worker.bundle": str(bundle), "http.port": port}
        failed(run_forked(command_arguments("run", flags)), 6, port, "http.port")


@pytest.mark.parametrize("name", ["kafka.nonsense", "nonsense.kafka"])
def test_an_unknown_setting(name: str) -> None:
    failed(run_to_end(command_of("run", {name: "1"})), 2, "nonsense")


def test_check_says_what_is_wrong_and_can_create_topics(kafka: str, bundle: Path) -> None:
    topics = Topics(kafka)
    flags = {**topics.flags, "worker.bundle": str(bundle)}
    before = run_forked(command_arguments("check", flags, "--json"))
    assert before.returncode == 8
    assert topics.alerts in before.stdout
    assert run_forked(command_arguments("check", flags, "--create-topics", "3")).returncode == 0
    after = run_forked(command_arguments("check", flags))
    assert after.returncode == 0, after.stdout
    assert "WRONG" not in after.stdout
    assert "back end eager" in after.stdout


def test_check_waits_once_for_a_broker_that_is_away(bundle: Path) -> None:
    flags = {"worker.bundle": str(bundle), "kafka.bootstrap_servers": "127.0.0.1:1"}
    found = run_forked(command_arguments("check", flags))
    assert found.returncode == 8
    assert "brokers: no connection to Kafka at 127.0.0.1:1" in found.stdout
    assert found.stdout.count("not looked at, as the brokers could not be asked") == 2
