"""Making librdkafka clients: settings in, a client that reports its own grave faults out."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException

from streamer.errors import TransportError
from streamer.settings import KafkaSettings
from streamer.transport.confluent_errors import error_of, translate
from streamer.transport.confluent_logs import SparseLog

_RECONNECT_BACKOFF_MAX_MS = 2_000

_Client = TypeVar("_Client")


class GraveFaults:
    """What a client says on its own and cannot recover from; connections that are lost are not grave."""

    def __init__(self) -> None:
        """Begin without any."""
        self._first: KafkaError | None = None

    def note(self, error: KafkaError) -> None:
        """Remember an error if it is grave; called by librdkafka while it is polled."""
        is_grave = error.fatal() or error.code() in {KafkaError._FATAL, KafkaError._AUTHENTICATION}
        if self._first is None and is_grave:
            self._first = error

    def raise_first(self, doing: str) -> None:
        """Raise, from the first one on, for ever.

        Raises:
            TransportError: there was one.
        """
        if self._first is not None:
            raise translate(self._first, doing)


def connect(
    build: Callable[[dict[str, Any]], _Client], settings: KafkaSettings, configs: Mapping[str, object]
) -> tuple[_Client, GraveFaults]:
    """Make a client, which connects when it is used.

    Args:
        build: class of the client.
        settings: where and how to connect.
        configs: settings of that kind of client.

    Raises:
        TransportError: librdkafka does not take the settings; names which.
    """
    faults = GraveFaults()
    try:
        client = build({**common(settings), "error_cb": faults.note, "logger": SparseLog(), **configs})
    except KafkaException as exception:
        raise TransportError(
            f"librdkafka does not take these settings of kafka.*: {error_of(exception).str()}; "
            'set them otherwise, or kafka.client to "kafka-python"'
        ) from exception
    return client, faults


def common(settings: KafkaSettings) -> dict[str, str | int | bool]:
    """Return the settings of all clients, by librdkafka's names."""
    password = settings.sasl_password
    wanted: dict[str, str | int | bool | None] = {
        "bootstrap.servers": settings.bootstrap_servers,
        "client.id": settings.client_id,
        "reconnect.backoff.max.ms": _RECONNECT_BACKOFF_MAX_MS,
        "topic.metadata.refresh.interval.ms": int(settings.metadata_max_age_s * 1_000),
        # What brokers close for want of use is no news.
        "log.connection.close": False,
        "security.protocol": settings.security_protocol,
        "sasl.mechanism": settings.sasl_mechanism,
        "sasl.username": settings.sasl_username,
        "sasl.password": None if password is None else password.get_secret_value(),
        "ssl.ca.location": _text(settings.ssl_cafile),
        "ssl.certificate.location": _text(settings.ssl_certfile),
        "ssl.key.location": _text(settings.ssl_keyfile),
        "ssl.endpoint.identification.algorithm": "https" if settings.ssl_check_hostname else "none",
    }
    return {name: value for name, value in wanted.items() if value is not None}


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
