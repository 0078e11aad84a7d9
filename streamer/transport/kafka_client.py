"""Connecting kafka-python clients: settings in, a client or an error with its cause out."""

import logging
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient

from streamer.errors import TransportError
from streamer.settings import KafkaSettings
from streamer.transport.kafka_faults import connection_fault
from streamer.transport.kafka_logs import tame_logs
from streamer.transport.kafka_namesakes import WatchfulManager
from streamer.transport.kafka_sockets import DIRECT, Network, OpenSockets, tls_context

# After a broker's restart, clients must not sleep for kafka-python's default of 30 s.
_RECONNECT_BACKOFF_MAX_MS = 2_000

_Client = TypeVar("_Client")


class Loop:
    """The network loop of one client, which runs on a thread of the client's own."""

    def __init__(self) -> None:
        """Make one without a client; the client's constructor calls `attach`."""
        self.sockets = OpenSockets()
        self._net: Network | None = None
        self._manager: WatchfulManager | None = None
        self._client: KafkaNetClient | None = None

    def attach(self, **configs: Any) -> KafkaNetClient:
        """Build the network part of a client; what kafka-python calls a client factory."""
        self._net = Network(self.sockets, **configs)
        self._manager = WatchfulManager(self._net, **configs)
        self._client = KafkaNetClient(net=self._net, manager=self._manager, **configs)
        return self._client

    @property
    def shared_name(self) -> str | None:
        """The client's lasting name in its group, if another member came and took its place by it."""
        return self._manager.shared_name if self._manager is not None else None

    def call(self, function: Callable[[], object]) -> None:
        """Run a function on the loop's thread, soon.

        Raises:
            RuntimeError: the loop is closed.
        """
        if self._net is not None:
            self._net.call_soon_threadsafe(function)

    def close(self) -> None:
        """End the thread and its connections; safe to call twice."""
        if self._client is not None:
            self._client.close()
        elif self._net is not None:
            self._net.close()
        self.sockets.close()


class _Witness(logging.Handler):
    """Remembers what kafka-python logs while it connects: the cause of a failure is told nowhere else."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())

    def __enter__(self) -> Self:
        logging.getLogger("kafka").addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logging.getLogger("kafka").removeHandler(self)


class _Secret(str):
    """A text that kafka-python can use but not print."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'**********'"


def connect(build: Callable[..., _Client], settings: KafkaSettings, **configs: Any) -> tuple[_Client, Loop]:
    """Construct a kafka-python client, which connects it.

    Args:
        build: KafkaConsumer, KafkaProducer or KafkaAdminClient.
        settings: where and how to connect.
        configs: settings of that kind of client.

    Returns:
        The client and its loop.

    Raises:
        RetriableTransportError: no broker is there now.
        TransportError: the brokers and these settings do not fit together; names cause and remedy.
    """
    tame_logs()
    loop = Loop()
    common = _common(settings, loop.sockets)
    with _Witness() as witness:
        try:
            return build(**common, kafka_client=loop.attach, **configs), loop
        except KafkaError as error:
            loop.close()
            raise connection_fault(settings, [*witness.said, str(error)]) from error
        except ValueError as error:
            loop.close()
            raise TransportError(
                f"kafka.bootstrap_servers is {settings.bootstrap_servers!r}: write host:port, separated by commas"
            ) from error


def _common(settings: KafkaSettings, sockets: OpenSockets) -> dict[str, Any]:
    password = settings.sasl_password
    return {
        "bootstrap_servers": [server.strip() for server in settings.bootstrap_servers.split(",")],
        "bootstrap_timeout_ms": int(settings.bootstrap_timeout_s * 1_000),
        "reconnect_backoff_max_ms": _RECONNECT_BACKOFF_MAX_MS,
        "client_id": settings.client_id,
        "security_protocol": settings.security_protocol,
        "sasl_mechanism": settings.sasl_mechanism,
        "sasl_plain_username": settings.sasl_username,
        "sasl_plain_password": password and _Secret(password.get_secret_value()),
        "ssl_context": tls_context(settings, sockets),
        "proxy_url": DIRECT,
    }
