"""Every way to fail to connect to a broker with TLS and SASL is told with its cause and remedy."""

import logging
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from streamer.errors import RetriableTransportError, TransportError
from streamer.events.record import Message, TopicPartition
from streamer.settings import KafkaSettings
from streamer.transport.base import Rebalance
from streamer.transport.embedded import EmbeddedKafka
from streamer.transport.kafka import KafkaConsumer, KafkaProducer
from streamer.transport.kafka_admin import create_topics, probe
from tests.helpers.certificates import Authority

PASSWORD = "correct-horse-1"  # noqa: S105 (of a broker that lives for this test)
WRONG = "battery-staple-2"


@dataclass(frozen=True, slots=True)
class Secure:
    """A broker with TLS and SASL.

    Attributes:
        settings: those that work.
        port: its port.
        folder: holds `ca.pem`, `other-ca.pem` and other files.
    """

    settings: KafkaSettings
    port: str
    folder: Path

    def but(self, **changes: object) -> KafkaSettings:
        """Return the settings with some changed."""
        return KafkaSettings.model_validate({**self.settings.model_dump(), **changes})


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, jars: Path) -> Iterator[Secure]:
    """Run a broker whose only listener for clients is SASL_SSL, with SCRAM-SHA-512 and PLAIN."""
    folder = tmp_path_factory.mktemp("secure")
    authority = Authority.create("authority")
    authority.write_certificate(folder / "ca.pem")
    authority.write_server(folder / "server.pem", "localhost")
    Authority.create("stranger").write_certificate(folder / "other-ca.pem")
    login = "org.apache.kafka.common.security"
    jaas = "listener.name.sasl_ssl.{}.sasl.jaas.config"
    properties = {
        "sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
        jaas.format("scram-sha-512"): f'{login}.scram.ScramLoginModule required username="broker" password="own";',
        jaas.format("plain"): f'{login}.plain.PlainLoginModule required user_worker="{PASSWORD}";',
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "server.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "ca.pem"),
    }
    users = {"broker": "own", "worker": PASSWORD}
    with EmbeddedKafka(
        folder / "broker", cache=jars, protocol="SASL_SSL", host="localhost", users=users, properties=properties
    ) as broker:
        settings = KafkaSettings.model_validate(
            {
                "bootstrap_servers": broker.bootstrap,
                "security_protocol": "SASL_SSL",
                "sasl_mechanism": "SCRAM-SHA-512",
                "sasl_username": "worker",
                "sasl_password": PASSWORD,
                "ssl_cafile": folder / "ca.pem",
                "bootstrap_timeout_s": 1.5,
            }
        )
        yield Secure(settings, broker.bootstrap.rsplit(":", 1)[1], folder)


@pytest.fixture(autouse=True)
def _logs_are_loud_but_hold_no_secret(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    assert PASSWORD not in caplog.text
    assert WRONG not in caplog.text


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
def test_right_settings_write_and_read(secure: Secure, mechanism: str) -> None:
    settings = secure.but(sasl_mechanism=mechanism, group_id=f"group-{mechanism}", bootstrap_timeout_s=10.0)
    topic = f"topic-{mechanism}"
    create_topics(settings, {topic: 1})
    with closing(KafkaProducer(settings)) as producer, closing(KafkaConsumer(settings)) as consumer:
        producer.send(Message(topic, b"k", b"v"))
        producer.flush(timeout_s=30.0)
        ignore = Rebalance(lambda _: None, lambda _: None, lambda _: None)
        consumer.subscribe([topic], ignore)
        records = []
        for _ in range(100):
            records += consumer.poll(timeout_s=0.2, max_records=1)
            if records:
                break
        assert [record.value for record in records] == [b"v"]
        consumer.commit({TopicPartition(topic, 0): 1})


FAULTS: dict[str, tuple[dict[str, str | None], str]] = {
    "wrong password": (
        {"sasl_password": WRONG},
        r"user name.*password.*set kafka\.sasl_username.*kafka\.sasl_password",
    ),
    "wrong password, PLAIN": (
        {"sasl_password": WRONG, "sasl_mechanism": "PLAIN"},
        r"user name.*password.*set kafka\.sasl_username.*kafka\.sasl_password",
    ),
    "unknown user": ({"sasl_username": "nobody"}, r"'nobody'|user name"),
    "wrong mechanism": ({"sasl_mechanism": "SCRAM-SHA-256"}, r"mechanism"),
    "untrusted authority": ({"ssl_cafile": "{folder}/other-ca.pem"}, r"authority.*kafka\.ssl_cafile.*other-ca\.pem"),
    "no authority": ({"ssl_cafile": None}, r"authority.*kafka\.ssl_cafile \(now unset\)"),
    "missing file": ({"ssl_cafile": "{folder}/none.pem"}, r"none\.pem.*cannot be read"),
    "not a certificate": ({"ssl_cafile": "{folder}/broker/server.properties"}, r"no usable certificate"),
    "wrong host name": ({"bootstrap_servers": "127.0.0.1:{port}"}, r"another host name.*kafka\.bootstrap_servers"),
    "plain text to TLS": ({"security_protocol": "PLAINTEXT"}, r"TLS port.*SSL or SASL_SSL"),
    "SASL without TLS to TLS": ({"security_protocol": "SASL_PLAINTEXT"}, r"TLS port.*SSL or SASL_SSL"),
    "TLS without SASL": ({"security_protocol": "SSL"}, r"SASL port.*set kafka\.security_protocol to SASL_SSL"),
    "no port": ({"bootstrap_servers": "localhost:kafka"}, r"kafka\.bootstrap_servers is 'localhost:kafka'"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_wrong_settings_are_told_with_cause_and_remedy(secure: Secure, fault: str) -> None:
    changes, message = FAULTS[fault]
    placed = {
        name: value and value.replace("{folder}", str(secure.folder)).replace("{port}", secure.port)
        for name, value in changes.items()
    }
    with pytest.raises(TransportError, match=message) as caught:
        probe(secure.but(**placed))
    # Only who hangs up without a word may be a proxy whose broker restarts.
    assert isinstance(caught.value, RetriableTransportError) == ("hangs up" in str(caught.value))
    assert PASSWORD not in repr(caught.value)
    assert WRONG not in repr(caught.value)


@pytest.mark.parametrize("build", [KafkaConsumer, KafkaProducer])
def test_consumer_and_producer_tell_the_same(secure: Secure, build: "type[KafkaConsumer | KafkaProducer]") -> None:
    with pytest.raises(TransportError, match=r"authority.*kafka\.ssl_cafile"):
        build(secure.but(ssl_cafile=secure.folder / "other-ca.pem"))


def test_tls_to_plain_text_is_told(secure: Secure, kafka: str) -> None:
    with pytest.raises(TransportError, match=r"no TLS.*PLAINTEXT"):
        probe(secure.but(bootstrap_servers=kafka))


def test_sasl_to_a_port_without_is_told(secure: Secure, kafka: str) -> None:
    with pytest.raises(TransportError, match=r"no SASL.*PLAINTEXT or SSL"):
        probe(secure.but(bootstrap_servers=kafka, security_protocol="SASL_PLAINTEXT"))


def test_an_absent_broker_may_come_later(secure: Secure) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"localhost:{taken.getsockname()[1]}"
        with pytest.raises(RetriableTransportError, match=rf"{address}.*no broker answers.*start it"):
            probe(secure.but(bootstrap_servers=address))


def test_an_unknown_host_is_told(secure: Secure) -> None:
    with pytest.raises(RetriableTransportError, match="host name is unknown"):
        probe(secure.but(bootstrap_servers="broker.invalid:9092"))
