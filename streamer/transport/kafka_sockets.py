"""Sockets for kafka-python that are closed at once when a connection cannot be made.

kafka-python itself leaves them to the garbage collector, two a second while a broker is away.
"""

import socket
import ssl
from typing import TYPE_CHECKING

from kafka.net.inet import KafkaNetSocket

from streamer.errors import TransportError
from streamer.settings import KafkaSettings

if TYPE_CHECKING:
    from kafka.net.selector import NetworkSelector

# kafka-python chooses the class of its sockets by the scheme of the proxy's address.
DIRECT = "direct://"


class DirectSocket(KafkaNetSocket):  # type: ignore[misc]  # kafka-python ships no types
    """Connects without a proxy."""

    SCHEMES = ("direct",)

    async def sock_connect(
        self,
        net: "NetworkSelector",
        sock: socket.socket,
        sockaddr: tuple[object, ...],
        timeout_at: float | None = None,
    ) -> socket.socket:
        """Connect, or close the socket; called by kafka-python."""
        try:
            await super().sock_connect(net, sock, sockaddr, timeout_at=timeout_at)
        except BaseException:
            sock.close()
            raise
        return sock


class _HandshakeSocket(ssl.SSLSocket):
    """Is closed when its handshake fails."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 (the base fixes the form)
        try:
            super().do_handshake(block)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except BaseException:
            self.close()
            raise


def tls_context(settings: KafkaSettings) -> ssl.SSLContext | None:
    """Load the certificates and keys once; None where the protocol has no TLS.

    Raises:
        TransportError: a file cannot be read or holds nothing usable; names it.
    """
    if not settings.security_protocol.endswith("SSL"):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
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
