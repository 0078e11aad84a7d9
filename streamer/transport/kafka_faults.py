"""Why a connection to Kafka failed, found in what the client logged while it tried.

kafka-python ends every failed connection with the same time-out; the cause stands in its log
alone. One row a cause: the signs it leaves, what it means and what to do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from streamer.errors import RetriableTransportError, TransportError
from streamer.settings import KafkaSettings

_EVIDENCE_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class _Fault:
    """One row.

    Attributes:
        signs: texts in the client's log; any of them tells this fault.
        cause: what is wrong.
        remedy: what to do.
        retriable: whether it may pass by itself.
    """

    signs: tuple[str, ...]
    cause: str
    remedy: str
    retriable: bool = False


def connection_fault(settings: KafkaSettings, said: Sequence[str]) -> TransportError:
    """Turn what the client said while it failed to connect into an error of ours.

    Args:
        settings: where and how the connection should have been made.
        said: log lines and error texts, oldest first.
    """
    for fault in _faults(settings):
        evidence = next((line for line in said if any(sign in line for sign in fault.signs)), None)
        if evidence is not None:
            break
    else:
        fault = _Fault((), "the cause is unknown", "look into the broker's log", retriable=True)
        evidence = said[-1] if said else "nothing"
    kind = RetriableTransportError if fault.retriable else TransportError
    return kind(
        f"no connection to Kafka at {settings.bootstrap_servers} by {settings.security_protocol}: "
        f"{fault.cause}; {fault.remedy} (the client said: {evidence[:_EVIDENCE_CHARACTERS]})"
    )


def _faults(settings: KafkaSettings) -> Iterator[_Fault]:
    """Yield the table, telling signs first: a closed connection may follow from any of the others."""
    user = f"user {settings.sasl_username!r}"
    yield _Fault(
        ("SaslAuthenticationFailedError",),
        f"the broker refuses the user name or password of {user}",
        "set kafka.sasl_username and kafka.sasl_password right",
    )
    yield _Fault(
        ("UnsupportedSaslMechanismError",),
        f"the broker does not offer the mechanism {settings.sasl_mechanism}",
        "set kafka.sasl_mechanism to one it offers",
    )
    yield _Fault(
        ("IllegalSaslStateError",),
        "this port of the broker wants no SASL",
        "set kafka.security_protocol to PLAINTEXT or SSL, or use the SASL port",
    )
    yield _Fault(
        ("Hostname mismatch", "IP address mismatch"),
        "the broker's certificate is for another host name",
        "put the certificate's name into kafka.bootstrap_servers, or get a certificate with this name",
    )
    yield _Fault(
        ("certificate has expired", "certificate is not yet valid"),
        "the broker's certificate is not valid now",
        "renew it, or set this machine's clock right",
    )
    yield _Fault(
        ("CERTIFICATE_VERIFY_FAILED",),
        "the broker's certificate is signed by an authority that is not trusted here",
        f"put that authority's certificate into kafka.ssl_cafile (now {settings.ssl_cafile or 'unset'})",
    )
    yield _Fault(
        ("UNEXPECTED_EOF_WHILE_READING", "WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"),
        "this port of the broker speaks no TLS",
        "set kafka.security_protocol to PLAINTEXT or SASL_PLAINTEXT, or use the TLS port",
    )
    yield _Fault(
        ("does not support the 'MetadataRequest'",),
        "this is the port of a controller",
        "use the port of a broker",
    )
    yield _Fault(
        ("DNS lookup failed", "DNS Resolution failure"),
        "the host name is unknown",
        "set kafka.bootstrap_servers right, or wait for the name service",
        retriable=True,
    )
    yield _no_answer("ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH")
    yield _closed_by_broker(settings)
    # The last attempt may be cut short after others that were answered, so by itself this tells least.
    yield _no_answer("Connection timed out")
    yield _Fault(
        ("timed out",),
        "the broker takes the connection but does not answer in time",
        "raise kafka.bootstrap_timeout_s, or look into the broker's log",
        retriable=True,
    )


def _no_answer(*signs: str) -> _Fault:
    return _Fault(
        signs,
        "no broker answers there",
        "start it, set kafka.bootstrap_servers right, or open the firewall",
        retriable=True,
    )


def _closed_by_broker(settings: KafkaSettings) -> _Fault:
    """What it means when the broker just hangs up depends on what it was offered.

    It may pass: so does a proxy or load balancer whose broker restarts.
    """
    signs = ("socket disconnected",)
    if settings.security_protocol.endswith("PLAINTEXT"):
        return _Fault(
            signs,
            "the broker hangs up on plain text; this is probably a TLS port",
            "set kafka.security_protocol to SSL or SASL_SSL",
            retriable=True,
        )
    if settings.security_protocol == "SSL":
        return _Fault(
            signs,
            "the broker hangs up on a client without a user; this is probably a SASL port",
            "set kafka.security_protocol to SASL_SSL, with kafka.sasl_mechanism, a user name and a password",
            retriable=True,
        )
    return _Fault(
        signs,
        "the broker hangs up while the user is authenticated; user name, password or mechanism are probably wrong",
        "set kafka.sasl_username, kafka.sasl_password and kafka.sasl_mechanism right",
        retriable=True,
    )
