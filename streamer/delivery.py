"""Outputs on their way to the broker: with their offsets in one transaction, or at least once.

What was judged waits here until the next commit. While the broker does not take it, nothing is
given up and nothing is sent twice: after an unanswered transaction the committed offsets tell
whether it was written.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from streamer.errors import RetriableTransportError
from streamer.events.record import Message, TopicPartition
from streamer.pipeline import Scored
from streamer.transport.base import Consumer, Producer, TransactionalProducer


class Writer(Protocol):
    """Writes messages and stores the offsets that they follow from."""

    def write(self, outputs: Mapping[TopicPartition, Sequence[Message]], offsets: Mapping[TopicPartition, int]) -> None:
        """Write all of it.

        Args:
            outputs: for each input partition, its messages in order.
            offsets: for each input partition, the offset of the next record to be read.

        Raises:
            RetriableTransportError: not known to be written; call again with the same, or with less
                partitions, until it returns.
            FencedError: another process took over; nothing of it may be written by this one.
            TransportError: it never will be written.
        """
        ...

    def close(self) -> None:
        """Free the connections; safe to call twice."""
        ...


class ExactlyOnce:
    """Messages and offsets in one transaction."""

    def __init__(self, producer: TransactionalProducer, consumer: Consumer, *, timeout_s: float) -> None:
        """Fence whoever wrote under the producer's name before.

        Raises:
            RetriableTransportError: the broker is away.
        """
        self._producer = producer
        self._consumer = consumer
        self._timeout_s = timeout_s
        self._in_doubt = False
        producer.renew()

    def write(self, outputs: Mapping[TopicPartition, Sequence[Message]], offsets: Mapping[TopicPartition, int]) -> None:
        """See `Writer.write`."""
        missing = self._missing(offsets) if self._in_doubt else offsets
        self._in_doubt = False
        if not missing:
            return
        messages = [message for source in missing for message in outputs[source]]
        try:
            self._producer.transact(messages, missing, self._consumer.membership(), timeout_s=self._timeout_s)
        except RetriableTransportError:
            self._in_doubt = True
            raise

    def _missing(self, offsets: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        """Return what the transaction in doubt did not store, now that it has ended."""
        self._producer.renew()
        stored = self._consumer.committed(list(offsets))
        return {source: offset for source, offset in offsets.items() if stored.get(source, -1) < offset}

    def close(self) -> None:
        """See `Writer.close`."""
        self._producer.close()


class AtLeastOnce:
    """Messages first, then the offsets: a failure between the two repeats messages."""

    def __init__(self, producer: Producer, consumer: Consumer, *, timeout_s: float) -> None:
        """Inject the parts."""
        self._producer = producer
        self._consumer = consumer
        self._timeout_s = timeout_s

    def write(self, outputs: Mapping[TopicPartition, Sequence[Message]], offsets: Mapping[TopicPartition, int]) -> None:
        """See `Writer.write`."""
        for messages in outputs.values():
            for message in messages:
                self._producer.send(message)
        self._producer.flush(timeout_s=self._timeout_s)
        self._consumer.commit(offsets)

    def close(self) -> None:
        """See `Writer.close`."""
        self._producer.close()


class Delivery:
    """Judged records that are not committed yet."""

    def __init__(self, writer: Writer, *, interval_s: float) -> None:
        """Begin with nothing.

        Args:
            writer: takes them to the broker.
            interval_s: least time between two commits.
        """
        self._writer = writer
        self._interval_s = interval_s
        self._due_at = 0.0
        self._waiting: list[Scored] = []
        # What was given to the writer and may be written is given to it again as it was: together
        # with more it could not be told from what is not written.
        self._tried: list[Scored] = []
        self._written: list[Scored] = []

    def __len__(self) -> int:
        """Count the parts that wait."""
        return len(self._tried) + len(self._waiting)

    def add(self, parts: Iterable[Scored]) -> None:
        """Let parts wait for the next commit, in log order; silent ones are committed already."""
        self._waiting += [part for part in parts if not part.silent]

    def due_in(self, now_s: float) -> float | None:
        """Return after how many seconds `deliver` should be called; None while nothing waits."""
        return max(0.0, self._due_at - now_s) if len(self) else None

    def deliver(self, now_s: float) -> Sequence[Scored]:
        """Commit everything that waits, and return it.

        Raises:
            RetriableTransportError: what is not known to be written waits still; call again.
            FencedError: another process took over.
            TransportError: it never will be committed.
        """
        while len(self):
            if not self._tried:
                self._tried, self._waiting = self._waiting, []
            self._write(self._tried)
            self._written += self._tried
            self._tried = []
        self._due_at = now_s + self._interval_s
        delivered, self._written = self._written, []
        return delivered

    def drop(self, sources: Collection[TopicPartition]) -> None:
        """Forget what waits of partitions that are another worker's now."""
        self._waiting = [part for part in self._waiting if part.source not in sources]
        self._tried = [part for part in self._tried if part.source not in sources]

    def close(self) -> None:
        """Free the writer's connections."""
        self._writer.close()

    def _write(self, parts: Iterable[Scored]) -> None:
        outputs: dict[TopicPartition, list[Message]] = {}
        offsets: dict[TopicPartition, int] = {}
        for part in parts:
            outputs.setdefault(part.source, []).extend(part.messages)
            offsets[part.source] = part.next_offset
        self._writer.write(outputs, offsets)
