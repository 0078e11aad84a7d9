"""A broker with two doors: one for tests, one behind a proxy for what is tested."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from streamer.transport.embedded import EmbeddedKafka
from tests.helpers.proxy import Proxy


@dataclass(frozen=True, slots=True)
class TwoDoors:
    """Two ways to one broker.

    Attributes:
        broker: to be killed and restarted.
        proxy: stands before the second door.
    """

    broker: EmbeddedKafka
    proxy: Proxy

    @property
    def straight(self) -> str:
        """Address of the door that is always open."""
        return self.broker.bootstrap

    @property
    def through_proxy(self) -> str:
        """Address of the door in the weather."""
        return f"127.0.0.1:{self.proxy.port}"


@contextmanager
def two_doors(folder: Path, jars: Path) -> Iterator[TwoDoors]:
    """Run such a broker."""
    straight, hidden, controller = _free_ports(3)
    with ExitStack() as stack:
        proxy = stack.enter_context(Proxy(hidden))
        properties = {
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{straight},PROXIED://127.0.0.1:{hidden},"
            f"CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{straight},PROXIED://127.0.0.1:{proxy.port}",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT",
        }
        broker = EmbeddedKafka(folder, cache=jars, properties=properties, port=straight)
        yield TwoDoors(stack.enter_context(broker), proxy)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
