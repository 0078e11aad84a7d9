"""kafka-python's transactions, waited for no longer than the caller likes."""

from collections.abc import Mapping
from typing import Any, Protocol

import kafka
from kafka.structs import ConsumerGroupMetadata, OffsetAndMetadata

from streamer.events.record import TopicPartition
from streamer.transport.base import Membership
from streamer.transport.kafka_writing import AbandoningProducer


class Answer(Protocol):
    """The broker's answer to one step of a transaction."""

    def wait(self, timeout_ms: float | None = None) -> bool:
        """Return whether it came in time.

        Raises:
            KafkaError: the step was refused.
        """
        ...


class TransactionClient(AbandoningProducer):
    """Takes the steps of a transaction and returns their answers.

    kafka-python's own methods for them wait without any bound.
    """

    def knows(self, topic: str) -> bool:
        """Tell whether a topic was there when it was last asked for."""
        return self._metadata.partitions_for_topic(topic) is not None

    def initialize(self) -> Answer:
        """End what is open under the transactional id, and fence whoever used it."""
        return self._sent(self._transaction_manager.initialize_transactions())

    def add_offsets(self, offsets: Mapping[TopicPartition, int], member: Membership) -> Answer:
        """Add a group's offsets to the transaction."""
        stored = {kafka.TopicPartition(*place): OffsetAndMetadata(offset, "", -1) for place, offset in offsets.items()}
        group = ConsumerGroupMetadata(member.group_id, member.generation, member.member_id, member.instance_id)
        return self._sent(self._transaction_manager.send_offsets_to_transaction(stored, group))

    def commit(self) -> Answer:
        """End the transaction for good."""
        return self._sent(self._transaction_manager.begin_commit())

    def abort(self) -> Answer:
        """End the transaction, leaving nothing."""
        return self._sent(self._transaction_manager.begin_abort())

    def _sent(self, answer: Any) -> Answer:
        self._sender.wakeup()
        sent: Answer = answer
        return sent
