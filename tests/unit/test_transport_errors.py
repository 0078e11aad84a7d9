"""Foreign errors become ours, each kind once and with a remedy."""

from collections.abc import Iterator

import pytest
from kafka import errors

from streamer.errors import FencedError, RetriableTransportError, TransportError
from streamer.settings import KafkaSettings
from streamer.transport.kafka_errors import missing_topics_error, translate
from streamer.transport.kafka_faults import connection_fault


def kinds(base: type[errors.KafkaError] = errors.KafkaError) -> Iterator[type[errors.KafkaError]]:
    """Yield every error class of kafka-python."""
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)


ALL = sorted(set(kinds()), key=lambda kind: kind.__name__)
FENCED = {
    "CommitFailedError",
    "FencedInstanceIdError",
    "IllegalGenerationError",
    "InvalidProducerEpochError",
    "InvalidProducerIdMappingError",
    "InvalidTxnStateError",
    "ProducerFencedError",
    "UnknownMemberIdError",
    "UnknownProducerIdError",
}


def test_there_is_something_to_translate() -> None:
    assert len(ALL) > 100


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_foreign_error_has_one_meaning(kind: type[errors.KafkaError]) -> None:
    error: errors.KafkaError = Exception.__new__(kind)
    Exception.__init__(error, "details")
    ours = translate(error, "reading topic 'events'")
    assert str(ours).startswith("reading topic 'events': ")
    assert isinstance(ours, FencedError) == (kind.__name__ in FENCED)
    if issubclass(kind, errors.RetriableError):
        assert isinstance(ours, RetriableTransportError)


@pytest.mark.parametrize(
    "wrapped",
    [
        errors.KafkaError(errors.InvalidProducerIdMappingError()),
        errors.KafkaError(f"we are in an error state: {errors.ProducerFencedError()}"),
        errors.KafkaError(f"we are in an error state: {errors.InvalidProducerEpochError('old epoch')}"),
        errors.KafkaError(f"we are in an error state: {errors.CommitFailedError()}"),
        errors.KafkaError("cannot send because", errors.ProducerFencedError()),
    ],
    ids=str,
)
def test_a_wrapped_error_means_what_it_quotes(wrapped: errors.KafkaError) -> None:
    assert isinstance(translate(wrapped, "writing"), FencedError)


def test_a_wrapped_refusal_comes_with_its_remedy() -> None:
    wrapped = errors.KafkaError(f"Unexpected error in answer: {errors.InvalidTransactionTimeoutError()}")
    ours = translate(wrapped, "beginning transactions")
    assert not isinstance(ours, FencedError | RetriableTransportError)
    assert "kafka.transaction_timeout_s" in str(ours)
    assert "see the broker's log" in str(translate(errors.KafkaError("no name at all"), "writing"))


def test_an_unknown_cause_shows_the_clients_last_words_and_may_pass() -> None:
    fault = connection_fault(KafkaSettings(bootstrap_servers="broker:9092"), ["first words", "last words"])
    assert isinstance(fault, RetriableTransportError)
    assert "broker:9092" in str(fault)
    assert "last words" in str(fault)


def test_a_telling_sign_wins_over_its_consequences() -> None:
    said = [
        "socket disconnected",
        "111 ECONNREFUSED",
        "[Error 58] SaslAuthenticationFailedError",
        "socket disconnected",
    ]
    fault = connection_fault(KafkaSettings(), said)
    assert not isinstance(fault, RetriableTransportError)
    assert "kafka.sasl_password" in str(fault)


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL", "SASL_SSL"])
def test_who_just_hangs_up_may_be_a_proxy_whose_broker_restarts(protocol: str) -> None:
    user = {"sasl_mechanism": "PLAIN", "sasl_username": "u", "sasl_password": "p"} if "SASL" in protocol else {}
    settings = KafkaSettings.model_validate({"security_protocol": protocol, **user})
    assert isinstance(connection_fault(settings, ["socket disconnected"]), RetriableTransportError)


def test_a_restarting_broker_is_not_taken_for_a_wrong_protocol() -> None:
    fault = connection_fault(KafkaSettings(), ["socket disconnected", "111 ECONNREFUSED"])
    assert isinstance(fault, RetriableTransportError)


def test_missing_topics_come_with_the_command_for_each() -> None:
    error = missing_topics_error(["alerts", "dead-letters"], KafkaSettings(bootstrap_servers="broker:9092"))
    assert isinstance(error, TransportError)
    for name in ("alerts", "dead-letters"):
        assert f"--bootstrap-server broker:9092 --create --topic {name} " in str(error)
