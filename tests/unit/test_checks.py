"""What `streamer check` says before any broker is asked."""

import sys

import pytest

from streamer.checks import Check, all_checks
from streamer.errors import EnvironmentFault
from streamer.settings import ClientLibrary, load


def check_of(client: ClientLibrary) -> Check:
    return dict(all_checks(load(None, {"kafka.client": client}), create_partitions=None))["client"]


@pytest.mark.parametrize("client", ["kafka-python", "confluent"])
def test_the_client_library_is_named(client: ClientLibrary) -> None:
    assert check_of(client)() == f"the worker reads and writes by {client}"


def test_a_client_library_that_is_not_installed_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("streamer.transport.confluent_")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(EnvironmentFault, match=r"fraud-streamer\[fast\]"):
        check_of("confluent")()
    check_of("kafka-python")()
