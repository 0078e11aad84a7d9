"""What one poll of librdkafka brought: records by partition, ends of logs, and faults."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from confluent_kafka import KafkaError, Message

from streamer.events.record import Record, TopicPartition, headers_of

_Read: TypeAlias = list[tuple[str, bytes | None]]
"""What headers are when they were read; the library declares what may be written, too."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What could not be read.

    Attributes:
        error: why.
        place: the partition, for messages.
    """

    error: KafkaError
    place: str


@dataclass(frozen=True, slots=True)
class Polled:
    """What came.

    Attributes:
        records: of each partition, in the order of its log.
        ends: offsets of the ends that were reached; what lies before them is read or holds no record.
        faults: in the order in which they came.
    """

    records: dict[TopicPartition, list[Record]] = field(default_factory=dict)
    ends: dict[TopicPartition, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def sorted_out(messages: Sequence[Message]) -> Polled:
    """Sort out what librdkafka returned, which mixes everything."""
    polled = Polled()
    name, number = "", -1
    records: list[Record] = []
    for message in messages:
        error = message.error()
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        if error is not None or topic is None or partition is None or offset is None:
            _note(polled, message, error)
            continue
        # In a backlog, many of one partition come one after another.
        if partition != number or topic != name:
            name, number = topic, partition
            records = polled.records.setdefault(TopicPartition(name, number), [])
        headers = message.headers()
        records.append(
            Record(
                name,
                number,
                offset,
                message.key(),
                message.value(),
                headers_of(cast("_Read", headers)) if headers else (),
                message.timestamp()[1],
            )
        )
    return polled


def _note(polled: Polled, message: Message, error: KafkaError | None) -> None:
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    if error is None or error.code() == KafkaError._MAX_POLL_EXCEEDED:
        return  # the partitions are told to be lost
    if error.code() == KafkaError._PARTITION_EOF and topic is not None and partition is not None and offset is not None:
        polled.ends[TopicPartition(topic, partition)] = offset
        return
    polled.faults.append(Fault(error, f"{topic}/{partition} from {offset} on" if topic else "the position"))
