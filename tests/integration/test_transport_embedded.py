"""The embedded broker leaves nothing behind and says what keeps it from starting."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import kafka
import psutil
import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from streamer.errors import EnvironmentFault
from streamer.events.record import Message, TopicPartition
from streamer.settings import KafkaSettings
from streamer.transport.embedded import EmbeddedKafka
from streamer.transport.kafka_admin import create_topics, log_begins, probe
from streamer.transport.kafka_producer import KafkaProducer

PATIENCE_S = 60.0
OWNER = """
import signal, sys, time
from pathlib import Path
from streamer.transport.embedded import EmbeddedKafka
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job is born without
with EmbeddedKafka(Path(sys.argv[1]), cache=Path(sys.argv[2])) as broker:
    print(broker.bootstrap, flush=True)
    time.sleep(600)
"""


def start_owner(folder: Path, jars: Path) -> "subprocess.Popen[str]":
    """Run a broker in another Python process, up when this returns."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder), str(jars)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert owner.stdout is not None
    assert owner.stdout.readline()
    return owner


def end_owner(owner: "subprocess.Popen[str]") -> None:
    """Kill that process as the system would."""
    owner.kill()
    owner.wait()
    assert owner.stdout is not None
    owner.stdout.close()


def broker_process(folder: Path) -> psutil.Process:
    """Return the Java process of the broker in a folder."""
    return psutil.Process(int((folder / "broker.pid").read_text(encoding="ascii")))


def gone(process: psutil.Process) -> bool:
    """Wait until a process is no more; say whether it ended in time."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_the_broker_ends_with_its_owner_even_if_that_is_killed(tmp_path: Path, jars: Path) -> None:
    owner = start_owner(tmp_path / "broker", jars)
    java = broker_process(tmp_path / "broker")
    end_owner(owner)
    assert gone(java)


def test_a_broker_left_behind_is_ended_by_the_next_start(tmp_path: Path, jars: Path) -> None:
    owner = start_owner(tmp_path / "broker", jars)
    java = broker_process(tmp_path / "broker")
    guard = java.parent()
    assert guard is not None
    guard.kill()
    end_owner(owner)
    assert java.is_running()
    assert java.status() != psutil.STATUS_ZOMBIE
    with EmbeddedKafka(tmp_path / "broker", cache=jars) as broker:
        assert gone(java)
        assert probe(KafkaSettings(bootstrap_servers=broker.bootstrap)).brokers == (broker.bootstrap,)


def test_a_folder_in_use_is_named_with_its_owner(tmp_path: Path, jars: Path) -> None:
    owner = start_owner(tmp_path / "broker", jars)
    try:
        with pytest.raises(EnvironmentFault, match=rf"in use by process {owner.pid}"):
            EmbeddedKafka(tmp_path / "broker", cache=jars).start()
        assert broker_process(tmp_path / "broker").is_running()
    finally:
        end_owner(owner)


def test_ctrl_c_does_not_reach_the_broker(tmp_path: Path, jars: Path) -> None:
    with EmbeddedKafka(tmp_path / "broker", cache=jars) as broker:
        java = broker_process(tmp_path / "broker")
        terminal = os.getpgid(0)
        assert os.getpgid(java.pid) != terminal, "a terminal sends Ctrl-C to its foreground group"
        assert probe(KafkaSettings(bootstrap_servers=broker.bootstrap)).brokers
    assert gone(java)
    assert not (tmp_path / "broker" / "broker.pid").exists()


def test_a_terminated_owner_stops_its_broker(tmp_path: Path, jars: Path) -> None:
    owner = start_owner(tmp_path / "broker", jars)
    java = broker_process(tmp_path / "broker")
    owner.send_signal(signal.SIGINT)
    assert owner.wait(PATIENCE_S) != 0
    assert owner.stdout is not None
    owner.stdout.close()
    assert gone(java)


def test_a_port_in_use_is_told(tmp_path: Path, jars: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EnvironmentFault, match=r"the port is taken.*\n(.*\n)*.*Address already in use") as caught:
            EmbeddedKafka(tmp_path / "broker", cache=jars, port=port).start()
    assert "broker.log" in str(caught.value)


def test_a_wrong_broker_setting_shows_the_brokers_own_words(tmp_path: Path, jars: Path) -> None:
    broker = EmbeddedKafka(tmp_path / "broker", cache=jars, properties={"num.partitions": "none"})
    with pytest.raises(EnvironmentFault, match=r"num\.partitions"):
        broker.start()


def test_too_large_a_heap_is_told(tmp_path: Path, jars: Path) -> None:
    broker = EmbeddedKafka(tmp_path / "broker", cache=jars, heap_mb=200_000_000)
    with pytest.raises(EnvironmentFault, match="memory"):
        broker.start()


def test_a_fixed_port_is_kept(tmp_path: Path, jars: Path) -> None:
    with socket.socket() as probe_socket:
        probe_socket.bind(("127.0.0.1", 0))
        port = probe_socket.getsockname()[1]
    with EmbeddedKafka(tmp_path / "broker", cache=jars, port=port) as broker:
        assert broker.bootstrap == f"127.0.0.1:{port}"


def test_records_of_the_past_stay(tmp_path: Path, jars: Path) -> None:
    quick = {"log.retention.check.interval.ms": "100", "log.initial.task.delay.ms": "100"}
    with EmbeddedKafka(tmp_path / "broker", cache=jars, properties=quick) as broker:
        settings = KafkaSettings(bootstrap_servers=broker.bootstrap)
        create_topics(settings, {"kept": 1, "short-lived": 1})
        admin = kafka.KafkaAdminClient(bootstrap_servers=broker.bootstrap)
        with closing(admin):
            admin.alter_configs(
                [ConfigResource(ConfigResourceType.TOPIC, "short-lived", {"retention.ms": "604800000"})]
            )
        with closing(KafkaProducer(settings)) as producer:
            for topic in ("kept", "short-lived"):
                producer.send(Message(topic, b"key", b"value", timestamp=1_700_000_000_000))
            producer.flush(timeout_s=PATIENCE_S)
        deadline = time.monotonic() + PATIENCE_S
        while log_begins(settings, "short-lived")[TopicPartition("short-lived", 0)] == 0:
            assert time.monotonic() < deadline, "a week's retention takes it"
            time.sleep(0.1)
        assert log_begins(settings, "kept") == {TopicPartition("kept", 0): 0}
