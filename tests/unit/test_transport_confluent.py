"""What can be said of confluent-kafka without a broker: names, errors, logs, and that it is an extra."""

import subprocess
import sys
import threading

import confluent_kafka
import pytest
from confluent_kafka import KafkaError, KafkaException
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from structlog.testing import capture_logs

from streamer.errors import EnvironmentFault, FencedError, RetriableTransportError, TransportError
from streamer.settings import KafkaSettings
from streamer.transport.base import Membership
from streamer.transport.clients import clients_of
from streamer.transport.confluent_client import connect
from streamer.transport.confluent_errors import translate, translated
from streamer.transport.confluent_logs import QUIET_S, SparseLog
from streamer.transport.confluent_membership import membership_of, metadata_of
from streamer.transport.confluent_steps import Steps
from streamer.transport.kafka_errors import translate_code

SETTINGS = KafkaSettings(client="confluent")
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)
MEMBERS = st.builds(
    Membership, NAMES, st.integers(-1, 2**31 - 1), st.one_of(st.just(""), NAMES), st.one_of(st.none(), NAMES)
)
CODES = sorted(
    {
        code
        for name in dir(KafkaError)
        if isinstance(code := getattr(KafkaError, name), int) and not isinstance(code, bool)
        if code != KafkaError.NO_ERROR
    }
)
GONE = {KafkaError._AUTO_OFFSET_RESET, KafkaError._LOG_TRUNCATION, KafkaError.OFFSET_OUT_OF_RANGE}


@given(MEMBERS)
def test_members_survive_the_clients_form(member: Membership) -> None:
    assert membership_of(metadata_of(member)) == member


def test_the_form_is_that_of_the_installed_client() -> None:
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": "127.0.0.1:1", "group.id": "grüppe", "group.instance.id": "one"}, logger=SparseLog()
    )
    assert membership_of(consumer.consumer_group_metadata()) == Membership("grüppe", -1, "", "one")
    consumer.close()


@given(st.binary() | st.binary().map(lambda rest: b"CGMDv2:" + rest) | st.binary().map(lambda rest: b"CGMDv3:" + rest))
def test_another_form_is_refused_and_not_misread(metadata: bytes) -> None:
    try:
        found = membership_of(metadata)
    except TransportError:
        return
    assert metadata_of(found) == metadata


@pytest.mark.parametrize("code", CODES)
def test_every_foreign_error_has_one_meaning(code: int) -> None:
    ours = translate(KafkaError(code, "details"), "reading topic 'events'", "events/0 from 7 on")
    assert str(ours).startswith("reading topic 'events': ")
    if code in GONE:
        assert isinstance(ours, FencedError)
        assert "events/0 from 7 on are gone" in str(ours)
    elif code > 0:
        assert type(ours) is type(translate_code(code, "details", "reading topic 'events'"))


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (KafkaError._FENCED, FencedError, "another process began transactions"),
        (KafkaError.FENCED_INSTANCE_ID, FencedError, "kafka.group_instance_id"),
        (KafkaError.ILLEGAL_GENERATION, FencedError, "another process took over"),
        (KafkaError._TRANSPORT, RetriableTransportError, "trying again"),
        (KafkaError._ALL_BROKERS_DOWN, RetriableTransportError, "trying again"),
        (KafkaError._AUTHENTICATION, TransportError, "Sasl"),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, TransportError, "grant kafka.sasl_username"),
        (KafkaError._CRIT_SYS_RESOURCE, TransportError, "_CRIT_SYS_RESOURCE"),
    ],
)
def test_errors_that_matter_are_told_apart(code: int, kind: type[TransportError], said: str) -> None:
    with pytest.raises(kind, match=said) as caught, translated("committing"):
        raise KafkaException(KafkaError(code))
    assert type(caught.value) is kind


def test_what_ended_a_consumer_is_read_out_of_its_text() -> None:
    cause = KafkaError(KafkaError.FENCED_INSTANCE_ID).str()
    ours = translate(KafkaError(KafkaError._FATAL, f"Fatal error: {cause}: more", fatal=True), "reading")
    assert isinstance(ours, FencedError)
    assert "kafka.group_instance_id" in str(ours)
    assert type(translate(KafkaError(KafkaError._FATAL, "Fatal error: another"), "reading")) is TransportError


def test_an_error_that_the_client_calls_retriable_is() -> None:
    error = KafkaError(KafkaError._FS, "details", retriable=True)
    assert isinstance(translate(error, "reading"), RetriableTransportError)


def test_what_librdkafka_repeats_is_logged_once_in_a_while() -> None:
    now = [0.0]
    log = SparseLog(lambda: now[0])
    with capture_logs() as lines:
        for _ in range(3):
            log.log(40, "%s [%s] %s", "FAIL", "client-1", "refused")
        log.log(40, "%s [%s] %s", "SASLERR", "client-1", "another kind")
        now[0] = QUIET_S
        log.log(40, "%s [%s] %s", "FAIL", "client-1", "refused again")
    assert [(line["kind"], line["line"], line["left_out"]) for line in lines] == [
        ("FAIL", "refused", 0),
        ("SASLERR", "another kind", 0),
        ("FAIL", "refused again", 2),
    ]


def test_a_step_that_never_returns_is_left_behind() -> None:
    steps, released = Steps(spare_s=0.01), threading.Event()
    steps.take(lambda _: None, 1.0)
    with pytest.raises(KafkaException, match="refused"):
        steps.take(lambda _: _refuse(), 1.0)
    with pytest.raises(KafkaException, match="stuck"):
        steps.take(lambda _: _wait(released), 0.01)
    assert steps.stuck
    released.set()
    steps.end()


def _refuse() -> None:
    raise KafkaException(KafkaError(KafkaError._STATE, "refused"))


def _wait(released: threading.Event) -> None:
    released.wait()


def test_settings_that_librdkafka_does_not_take_are_named_without_secrets() -> None:
    settings = SETTINGS.model_copy(
        update={
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "sasl_username": "user",
            "sasl_password": SecretStr("hunter2"),
        }
    )
    with pytest.raises(TransportError, match=r"socket\.timeout\.ms") as caught:
        connect(confluent_kafka.Producer, settings, {"socket.timeout.ms": -5})
    assert "hunter2" not in str(caught.value)


def test_without_the_extra_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("streamer.transport.confluent_")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(EnvironmentFault, match=r"pip install 'fraud-streamer\[fast\]'"):
        clients_of(SETTINGS)
    assert clients_of(KafkaSettings()).consumer.__name__ == "KafkaConsumer"


def test_it_is_loaded_only_where_it_was_chosen() -> None:
    program = "import sys, streamer.transport.clients; sys.exit('confluent_kafka' in sys.modules)"
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=False).returncode == 0
