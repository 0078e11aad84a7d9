"""No socket outlives its client, be there bytes that nobody took."""

import gc
import socket
import ssl
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest
from kafka.net.inet import create_connection
from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport

from streamer.settings import KafkaSettings
from streamer.transport.kafka_sockets import DIRECT, Network, OpenSockets, tls_context
from tests.helpers.certificates import Authority

MORE_THAN_IS_TAKEN = bytes(32 * 1024 * 1024)

Dress = Callable[[Network, socket.socket], KafkaTCPTransport]


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A place that takes connections and reads nothing."""
    with socket.create_server(("127.0.0.1", 0)) as place:
        yield place


def leave_unsent(server: socket.socket, dress: Dress, sockets: OpenSockets) -> None:
    """Connect, send more than anybody takes, and close the client."""
    with closing(Network(sockets)) as network:

        async def send() -> None:
            sock = await create_connection(network, *server.getsockname(), (), proxy_url=DIRECT, timeout_at=None)
            transport = dress(network, sock)
            await transport.handshake()
            transport.write(MORE_THAN_IS_TAKEN)
            transport.close()

        network.run(send)
        network.poll(timeout_ms=100)
    sockets.close()


@contextmanager
def nothing_left_open() -> Iterator[None]:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        yield
        gc.collect()
    assert [str(warning.message) for warning in heard] == []


def test_a_connection_with_unsent_bytes_is_closed(server: socket.socket) -> None:
    with nothing_left_open():
        leave_unsent(server, KafkaTCPTransport, OpenSockets())


def test_a_tls_connection_with_unsent_bytes_is_closed(server: socket.socket, tmp_path: Path) -> None:
    authority = Authority.create("tests")
    settings = KafkaSettings(security_protocol="SSL", ssl_cafile=authority.write_certificate(tmp_path / "ca.pem"))
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(authority.write_server(tmp_path / "server.pem", "localhost"))
    sockets = OpenSockets()
    ours = partial(KafkaSSLTransport, host="localhost", ssl_context=tls_context(settings, sockets))

    def greet() -> socket.socket:
        return theirs.wrap_socket(server.accept()[0], server_side=True)

    with ThreadPoolExecutor() as threads:
        greeted = threads.submit(greet)
        with nothing_left_open():
            leave_unsent(server, ours, sockets)
        greeted.result().close()
