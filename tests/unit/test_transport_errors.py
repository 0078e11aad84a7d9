"""Foreign errors become ours, each kind once and with a remedy."""

from collections.abc import Iterator

import pytest
from kafka import TopicPartition, errors
from kafka.producer.future import FutureProduceResult, FutureRecordMetadata
from kafka.structs import OffsetAndMetadata

from streamer.errors import FencedError, RetriableTransportError, TransportError
from streamer.settings import KafkaSettings
from streamer.transport.kafka_errors import missing_topics_error, translate, translated
from streamer.transport.kafka_faults import connection_fault
from streamer.transport.kafka_writing import refusal, refused_before


def kinds(base: type[errors.KafkaError] = errors.KafkaError) -> Iterator[type[errors.KafkaError]]:
    """Yield every error class of kafka-python."""
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)


def acknowledged(refusal: errors.KafkaError | None) -> FutureRecordMetadata:
    """Return what a sent message becomes when the broker has answered."""
    batch = FutureProduceResult(TopicPartition("events", 0))
    future = FutureRecordMetadata(batch, 0, 0, None, 0, 0, 0)
    if refusal is None:
        batch.success((0, 0, None))
    else:
        batch.failure(refusal)
    return future


ALL = sorted(set(kinds()), key=lambda kind: kind.__name__)
FENCED = {
    "CommitFailedError",
    "FencedInstanceIdError",
    "IllegalGenerationError",
    "InvalidProducerEpochError",
    "InvalidProducerIdMappingError",
    "InvalidTxnStateError",
    "LogTruncationError",
    "OffsetOutOfRangeError",
    "ProducerFencedError",
    "UnknownMemberIdError",
    "UnknownProducerIdError",
}


def test_what_stood_beside_a_refused_batch_may_be_written_again() -> None:
    """As the broker answers for all other topics of a request when one of them was deleted."""
    beside = errors.OperationNotAttemptedError()
    assert isinstance(refusal([("scores", beside)]), RetriableTransportError)
    fault = refusal([("scores", beside), ("alerts", errors.TopicAuthorizationFailedError())])
    assert not isinstance(fault, RetriableTransportError)
    assert "'alerts' and 1 more" in str(fault)


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


@pytest.mark.parametrize(
    ("gone", "where"),
    [
        (errors.OffsetOutOfRangeError({TopicPartition("events", 2): 17}), "events/2 from 17 on"),
        (
            errors.LogTruncationError({TopicPartition("events", 0): OffsetAndMetadata(5, "", 1)}),
            "events/0 from 5 on",
        ),
        (errors.LogTruncationError({TopicPartition("events", 1): None}), "events/1 from somewhere on"),
    ],
    ids=["out of range", "log is shorter", "log is another"],
)
def test_a_position_whose_records_are_gone_is_named(gone: errors.KafkaError, where: str) -> None:
    ours = translate(gone, "reading")
    assert isinstance(ours, FencedError)
    assert f"the records at {where} are gone; start anew" in str(ours)


def test_a_step_out_of_turn_leaves_the_transaction_in_doubt() -> None:
    upset = errors.IllegalStateError("Cannot call send in state BUMPING_PRODUCER_EPOCH")
    with pytest.raises(RetriableTransportError, match="BUMPING"), refused_before([]), translated("writing"):
        raise upset


@pytest.mark.parametrize("later", [errors.IllegalStateError("Cannot call send"), errors.KafkaError("error state")])
def test_what_was_refused_before_is_told_instead_of_what_follows_from_it(later: errors.KafkaError) -> None:
    refused, written = acknowledged(errors.InvalidProducerEpochError()), acknowledged(None)
    sent = [("scores", written), ("alerts", refused)]
    with (
        pytest.raises(FencedError, match=r"writing to topic 'alerts'.*InvalidProducerEpochError"),
        refused_before(sent),
        translated("writing"),
    ):
        raise later
    with pytest.raises(RetriableTransportError), refused_before(sent[:1]), translated("writing"):
        raise errors.IllegalStateError("Cannot call send")


def test_an_error_of_its_own_is_not_replaced_by_a_refusal() -> None:
    sent = [("alerts", acknowledged(errors.InvalidProducerEpochError()))]
    with pytest.raises(TransportError, match="no topic of that name"), refused_before(sent):
        raise TransportError("no topic of that name")


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


def test_a_last_attempt_that_was_cut_short_hides_nothing() -> None:
    fault = connection_fault(KafkaSettings(), ["socket disconnected", "Connection timed out"])
    assert "probably a TLS port" in str(fault)
    assert "no broker answers" in str(connection_fault(KafkaSettings(), ["Connection timed out"]))


def test_a_restarting_broker_is_not_taken_for_a_wrong_protocol() -> None:
    fault = connection_fault(KafkaSettings(), ["socket disconnected", "111 ECONNREFUSED"])
    assert isinstance(fault, RetriableTransportError)


def test_missing_topics_come_with_the_command_for_each() -> None:
    error = missing_topics_error(["alerts", "dead-letters"], KafkaSettings(bootstrap_servers="broker:9092"))
    assert isinstance(error, TransportError)
    for name in ("alerts", "dead-letters"):
        assert f"--bootstrap-server broker:9092 --create --topic {name} " in str(error)
