"""Which client library a worker reads and writes by."""

from collections.abc import Callable
from dataclasses import dataclass

from streamer.errors import EnvironmentFault
from streamer.settings import KafkaSettings
from streamer.transport.base import Consumer, Producer, TransactionalProducer
from streamer.transport.kafka import KafkaConsumer, KafkaProducer, KafkaTransactionalProducer


@dataclass(frozen=True, slots=True)
class Clients:
    """One library's three; each connects when it is called, and raises TransportError.

    Attributes:
        consumer: makes a consumer.
        producer: makes a producer.
        transactional: makes a transactional producer of a name, to be begun by `renew`.
    """

    consumer: Callable[[KafkaSettings], Consumer]
    producer: Callable[[KafkaSettings], Producer]
    transactional: Callable[[KafkaSettings, str], TransactionalProducer]


def clients_of(settings: KafkaSettings) -> Clients:
    """Return those that `kafka.client` names.

    Raises:
        EnvironmentFault: the library is not installed.
    """
    return _confluent() if settings.client == "confluent" else _KAFKA_PYTHON


_KAFKA_PYTHON = Clients(KafkaConsumer, KafkaProducer, KafkaTransactionalProducer)


def _confluent() -> Clients:
    # An extra: who does not choose it need not have it.
    try:
        from streamer.transport.confluent_consumer import ConfluentConsumer  # noqa: PLC0415
        from streamer.transport.confluent_producer import ConfluentProducer  # noqa: PLC0415
        from streamer.transport.confluent_transactions import ConfluentTransactionalProducer  # noqa: PLC0415
    except ImportError as error:
        raise EnvironmentFault(
            f'kafka.client is "confluent", but confluent-kafka cannot be loaded ({error}): '
            "pip install 'fraud-streamer[fast]', or set kafka.client to \"kafka-python\""
        ) from error
    return Clients(ConfluentConsumer, ConfluentProducer, ConfluentTransactionalProducer)
