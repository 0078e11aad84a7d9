"""Clients of the library that settings name."""

from typing import get_args

from streamer.settings import ClientLibrary, KafkaSettings
from streamer.transport.base import Consumer, Producer, TransactionalProducer
from streamer.transport.clients import clients_of

CLIENTS: tuple[ClientLibrary, ...] = get_args(ClientLibrary)


def consumer_of(settings: KafkaSettings) -> Consumer:
    return clients_of(settings).consumer(settings)


def producer_of(settings: KafkaSettings) -> Producer:
    return clients_of(settings).producer(settings)


def transactional_of(settings: KafkaSettings, name: str) -> TransactionalProducer:
    return clients_of(settings).transactional(settings, name)
