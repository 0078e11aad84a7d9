"""What the worker asks of a broker, whichever it is.

Both protocols speak `Record`, `Message` and `TopicPartition` only, raise only the
`TransportError` family, and are used from one thread.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from streamer.events.record import Message, Record, TopicPartition


@dataclass(frozen=True, slots=True)
class Rebalance:
    """What the worker wants to be told when its share of partitions changes.

    Each callable gets the partitions concerned, in order, and runs while a `poll` of its
    consumer waits: perhaps on another thread, never beside the caller's own code. It may use
    the consumer, except for `poll`. An exception it raises is raised again by that `poll` and
    every later one, as nobody knows what state those partitions are in.

    Attributes:
        assigned: partitions that are now this consumer's; nothing of them was polled yet.
        revoked: partitions about to go elsewhere; offsets may still be committed.
        lost: partitions that already went elsewhere; commits for them would be wrong.
    """

    assigned: Callable[[Sequence[TopicPartition]], None]
    revoked: Callable[[Sequence[TopicPartition]], None]
    lost: Callable[[Sequence[TopicPartition]], None]


@dataclass(frozen=True, slots=True)
class Membership:
    """Who a consumer is within its group just now; a transaction carries it, so that a stale member's is refused.

    Attributes:
        group_id: the group.
        generation: grows with every change of the group.
        member_id: the broker's name for this member.
        instance_id: the member's own lasting name, where it is a static one.
    """

    group_id: str
    generation: int
    member_id: str
    instance_id: str | None


class Source(Protocol):
    """Anything that yields records and ends: an archive, or a topic up to some offset."""

    def poll(self, *, timeout_s: float, max_records: int) -> list[Record]:
        """Return the next records, those of one partition adjacent; an empty list is the end.

        Raises:
            StreamerError: reading cannot go on.
        """
        ...


class Consumer(Protocol):
    """Reads records of a group's share of partitions, in offset order within each."""

    def subscribe(self, topics: Sequence[str], rebalance: Rebalance) -> None:
        """Join the group; partitions arrive during later polls.

        Raises:
            TransportError: a topic does not exist or must not be read.
        """
        ...

    def poll(self, *, timeout_s: float, max_records: int) -> list[Record]:
        """Return at most `max_records` new records, waiting up to `timeout_s` for the first.

        Records of one partition are adjacent and in offset order. An empty list means that
        nothing came in time. Must be called regularly to stay in the group.

        Raises:
            RetriableTransportError: the broker is away; the position is unchanged.
            TransportError: reading cannot go on.
        """
        ...

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Store, for each partition, the offset of the next record to be read.

        Raises:
            RetriableTransportError: not stored; may be tried again.
            FencedError: the partitions belong to another member by now.
        """
        ...

    def committed(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Return what the group has stored for partitions; those without any are left out.

        Waits for transactions of the group that are about to end, so that the answer is final.

        Raises:
            RetriableTransportError: the broker did not answer.
        """
        ...

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read a partition of this consumer from an offset on."""
        ...

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        """Let polls return nothing of these partitions, which stay this consumer's."""
        ...

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        """Undo `pause`; partitions that are not paused stay as they are."""
        ...

    def membership(self) -> Membership:
        """Return who this consumer is in its group; to be asked anew for every transaction.

        Raises:
            FencedError: a topic was made anew since this consumer subscribed to it.
            RetriableTransportError: the broker did not answer, and nobody else could tell that.
        """
        ...

    def positions(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Return, for each partition of this consumer, the offset from which it reads on.

        Offsets that hold no record, such as marks of transactions, are behind the position once
        it has passed them: position == end offset means that nothing is left to read. A
        partition that is not this consumer's is left out.

        Raises:
            RetriableTransportError: the broker did not answer.
        """
        ...

    def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Return, for each partition, the offset the next produced record will get.

        Raises:
            RetriableTransportError: the broker did not answer.
        """
        ...

    def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Return, for each partition, the oldest offset that is still there.

        Raises:
            RetriableTransportError: the broker did not answer.
        """
        ...

    def log_id(self, topic: str) -> str | None:
        """Return the identity of a subscribed topic's logs, asked of the broker now.

        It stays as long as the topic does, and is another when the topic was deleted and made anew.
        What this consumer told of the topic before, since it subscribed, is of the same logs.

        Returns:
            A short text; None where the broker tells none, so that nobody knows.

        Raises:
            FencedError: the topic was made anew since this consumer subscribed to it.
            RetriableTransportError: the broker did not answer, or the topic is gone.
        """
        ...

    def close(self) -> None:
        """Leave the group and free the connections, calling nothing; safe to call twice."""
        ...


class Producer(Protocol):
    """Writes messages; none counts as written before `flush` returned."""

    def send(self, message: Message) -> None:
        """Queue one message.

        Raises:
            TransportError: the message cannot be sent, e.g. larger than `max_message_bytes`.
        """
        ...

    def flush(self, *, timeout_s: float) -> None:
        """Wait until every queued message is acknowledged.

        Raises:
            RetriableTransportError: not all were acknowledged in time.
            TransportError: at least one was refused; names the topic and the cause.
        """
        ...

    @property
    def max_message_bytes(self) -> int:
        """Largest key + value + headers, in bytes, that `send` takes."""
        ...

    def close(self) -> None:
        """Free the connections without waiting for queued messages; safe to call twice."""
        ...


class TransactionalProducer(Protocol):
    """Writes messages and a group's offsets together: all of them, or none."""

    def transact(
        self,
        messages: Sequence[Message],
        offsets: Mapping[TopicPartition, int],
        membership: Membership | None,
        *,
        timeout_s: float,
    ) -> None:
        """Write everything in one transaction; returns when readers can see it.

        Args:
            messages: in order; may be none.
            offsets: for each input partition, the offset of the next record to be read; may be none,
                then nothing of the group is asked or written.
            membership: as `Consumer.membership` gave it after the last poll; needed with offsets only.
            timeout_s: longest wait.

        Raises:
            RetriableTransportError: not known to be written, or known not to be: call `renew`, then
                compare with `Consumer.committed` before trying again.
            FencedError: another process took over; the committed offsets tell what is written. This
                producer is of no use any more.
            TransportError: a message was refused, and with it the whole; call `renew`.
        """
        ...

    def renew(self) -> None:
        """Begin anew under the same name, and end what an earlier transaction under it left open.

        Afterwards `Consumer.committed` tells whether that one had been written. A process that used
        this name before is fenced.

        Raises:
            RetriableTransportError: the broker is away; try again.
        """
        ...

    @property
    def max_message_bytes(self) -> int:
        """Largest key + value + headers, in bytes, of one message."""
        ...

    def close(self) -> None:
        """Free the connections; an open transaction is left to its timeout; safe to call twice."""
        ...
