"""Sockets for kafka-python that are closed when a connection cannot be made and when the client is.

kafka-python itself leaves them to the garbage collector: two a second while a broker is away, and
at the end every one whose last bytes were not sent yet.
"""

import socket
import ssl
from typing import Any

from kafka.net.inet import KafkaNetSocket
from kafka.net.selector import NetworkSelector

from streamer.errors import TransportError
from streamer.settings import KafkaSettings

# kafka-python chooses the class of its sockets by the scheme of the proxy's address.
DIRECT = "direct://"


class Network(NetworkSelector):  # type: ignore[misc]  # kafka-python ships no types
    """The loop of one client, which knows the client's sockets."""

    def __init__(self, sockets: "OpenSockets", **configs: Any) -> None:
        """Make a loop whose connections go into `sockets`."""
        # Not to be warned of each step of more than a tenth of a second: on a busy machine there are many,
        # and what they keep waiting is heard of otherwise.
        super().__init__(**{**configs, "slow_task_threshold_secs": 0})
        self.sockets = sockets


class OpenSockets:
    """The sockets of one client."""

    def __init__(self) -> None:
        self._sockets: set[socket.socket] = set()

    def add(self, sock: socket.socket) -> None:
        """Remember one, and forget those that were closed since."""
        self._sockets = {known for known in self._sockets if known.fileno() >= 0} | {sock}

    def close(self) -> None:
        """Close those that are still open."""
        for sock in self._sockets:
            sock.close()
        self._sockets = set()


class DirectSocket(KafkaNetSocket):  # type: ignore[misc]  # kafka-python ships no types
    """Connects without a proxy."""

    SCHEMES = ("direct",)

    async def sock_connect(
        self,
        net: Network,
        sock: socket.socket,
        sockaddr: tuple[object, ...],
        timeout_at: float | None = None,
    ) -> socket.socket:
        """Connect, or close the socket; called by kafka-python."""
        net.sockets.add(sock)
        try:
            await super().sock_connect(net, sock, sockaddr, timeout_at=timeout_at)
        except BaseException:
            sock.close()
            raise
        return sock


class _Context(ssl.SSLContext):
    """Knows where the sockets go that it wraps; a wrapped socket takes the place of the plain one."""

    sockets: OpenSockets


class _HandshakeSocket(ssl.SSLSocket):
    """Is closed when its handshake fails."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 (the base fixes the form)
        if isinstance(self.context, _Context):
            self.context.sockets.add(self)
        try:
            super().do_handshake(block)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except BaseException:
            self.close()
            raise


def tls_context(settings: KafkaSettings, sockets: OpenSockets) -> ssl.SSLContext | None:
    """Load the certificates and keys once, for connections that go into `sockets`; None where the protocol has no TLS.

    Raises:
        TransportError: a file cannot be read or holds nothing usable; names it.
    """
    if not settings.security_protocol.endswith("SSL"):
        return None
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.sockets = sockets
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = settings.ssl_check_hostname
    context.sslsocket_class = _HandshakeSocket
    named = f"kafka.ssl_cafile ({settings.ssl_cafile})"
    try:
        if settings.ssl_cafile is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(settings.ssl_cafile)
        if settings.ssl_certfile is not None:
            named = f"kafka.ssl_certfile ({settings.ssl_certfile}) and kafka.ssl_keyfile ({settings.ssl_keyfile})"
            context.load_cert_chain(settings.ssl_certfile, settings.ssl_keyfile)
    except ssl.SSLError as error:
        raise TransportError(f"{named}: no usable certificate or key ({error.reason}); give PEM files") from error
    except OSError as error:
        raise TransportError(f"{named}: cannot be read ({error.strerror}); name files this process may read") from error
    return context
