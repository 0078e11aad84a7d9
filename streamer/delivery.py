"""Outputs on their way to the broker: with their offsets in one transaction, or at least once.

What was judged waits here until the next commit; while one is written, the next records are read
and judged. While the broker does not take it, nothing is given up and nothing is sent twice: after
an unanswered transaction the committed offsets tell whether it was written.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Protocol

from streamer.errors import FencedError, RetriableTransportError
from streamer.events.record import Message, TopicPartition
from streamer.pipeline import Scored
from streamer.transport.base import Consumer, Membership, Producer, TransactionalProducer
from streamer.uncommitted import Uncommitted

Outputs = Mapping[TopicPartition, Sequence[Message]]
Offsets = Mapping[TopicPartition, int]

MOST_WAITING = 20_000
"""Records that may wait while others are written; more would only grow the next transaction."""

_LOOK_AGAIN_S = 0.002


class Writer(Protocol):
    """Writes messages and stores the offsets that they follow from, one lot at a time."""

    def begin(self, outputs: Outputs, offsets: Offsets) -> None:
        """Begin to write a lot; nothing may be under way.

        Args:
            outputs: for each input partition, its messages in order.
            offsets: for each input partition, the offset of the next record to be read.

        Raises:
            as `finish`.
        """
        ...

    @property
    def has_ended(self) -> bool:
        """Whether nothing is under way any more, so that `finish` need not wait."""
        ...

    def finish(self, *, wait: bool) -> bool:
        """Return whether the lot is written; with `wait`, once it is.

        Raises:
            RetriableTransportError: not known to be written; begin again with the same, or with less
                partitions, until it is.
            FencedError: another process took over; nothing of it may be written by this one.
            TransportError: it never will be written.
        """
        ...

    def close(self) -> None:
        """Free the connections; safe to call twice."""
        ...


@dataclass(frozen=True, slots=True)
class _Transaction:
    """One under way: what is written, as whom, and how it ends."""

    outputs: Outputs
    offsets: Offsets
    member: Membership
    end: "Future[None]"


class ExactlyOnce:
    """Messages and offsets in one transaction, at most one at a time."""

    def __init__(
        self, producer: TransactionalProducer, consumer: Consumer, *, timeout_s: float, beside: Executor
    ) -> None:
        """Fence whoever wrote under the producer's name before.

        Args:
            producer: used by `beside` alone while a transaction is under way.
            consumer: whose offsets are stored.
            timeout_s: for one transaction.
            beside: where transactions run; is shut down with this.

        Raises:
            RetriableTransportError: the broker is away.
        """
        self._producer = producer
        self._consumer = consumer
        self._timeout_s = timeout_s
        self._beside = beside
        self._running: _Transaction | None = None
        self._in_doubt = False
        producer.renew()

    def begin(self, outputs: Outputs, offsets: Offsets) -> None:
        """See `Writer.begin`."""
        missing = self._missing(offsets) if self._in_doubt else offsets
        self._in_doubt = False
        if not missing:
            return
        messages = [message for source in missing for message in outputs[source]]
        member = self._consumer.membership()
        end = self._beside.submit(self._producer.transact, messages, missing, member, timeout_s=self._timeout_s)
        self._running = _Transaction(outputs, offsets, member, end)

    @property
    def has_ended(self) -> bool:
        """See `Writer.has_ended`."""
        return self._running is None or self._running.end.done()

    def finish(self, *, wait: bool) -> bool:
        """See `Writer.finish`."""
        running = self._running
        if running is None:
            return True
        if not wait and not running.end.done():
            return False
        self._running = None
        try:
            running.end.result()
        except RetriableTransportError:
            self._in_doubt = True
            raise
        except FencedError:
            self._in_doubt = True
            if not self._is_still_member(running.member):
                raise
            # The group changed meanwhile, and this worker kept what it has: it may write that anew.
            self.begin(running.outputs, running.offsets)
            return self.finish(wait=wait)
        return True

    def _is_still_member(self, member: Membership) -> bool:
        now = self._consumer.membership()
        return now.member_id == member.member_id and now.generation > member.generation

    def _missing(self, offsets: Offsets) -> Offsets:
        """Return what the transaction in doubt did not store, now that it has ended."""
        self._producer.renew()
        stored = self._consumer.committed(list(offsets))
        return {source: offset for source, offset in offsets.items() if stored.get(source, -1) < offset}

    def close(self) -> None:
        """See `Writer.close`."""
        self._beside.shutdown()
        self._producer.close()


class AtLeastOnce:
    """Messages first, then the offsets: a failure between the two repeats messages."""

    def __init__(self, producer: Producer, consumer: Consumer, *, timeout_s: float) -> None:
        """Inject the parts."""
        self._producer = producer
        self._consumer = consumer
        self._timeout_s = timeout_s

    def begin(self, outputs: Outputs, offsets: Offsets) -> None:
        """See `Writer.begin`."""
        for messages in outputs.values():
            for message in messages:
                self._producer.send(message)
        self._producer.flush(timeout_s=self._timeout_s)
        self._consumer.commit(offsets)

    @property
    def has_ended(self) -> bool:
        """See `Writer.has_ended`."""
        return True

    def finish(self, *, wait: bool) -> bool:  # noqa: ARG002 (it is written when `begin` returns)
        """See `Writer.finish`."""
        return True

    def close(self) -> None:
        """See `Writer.close`."""
        self._producer.close()


class Delivery:
    """Judged records that are not committed yet."""

    def __init__(self, writer: Writer, *, interval_s: float, backlog_interval_s: float = 0.0) -> None:
        """Begin with nothing.

        Args:
            writer: takes them to the broker.
            interval_s: least time between the beginnings of two commits.
            backlog_interval_s: the same in a backlog, if longer.
        """
        self._writer = writer
        self._interval_s = interval_s
        self._backlog_interval_s = max(interval_s, backlog_interval_s)
        self._in_backlog = False
        self._begun_at = -math.inf
        self._waiting: list[Uncommitted] = []
        self._leaving: list[Uncommitted] = []
        self._is_leaving = False
        self._delivered: list[Uncommitted] = []

    def __len__(self) -> int:
        """Count the parts that are not committed."""
        return len(self._waiting) + len(self._leaving)

    def add(self, parts: Iterable[Scored]) -> None:
        """Let parts wait for the next commit, in log order; silent ones are committed already."""
        self._waiting += [Uncommitted.of(part) for part in parts if not part.silent]

    def pace(self, *, in_backlog: bool) -> None:
        """Say whether there is more to read than can be taken in at once: then speed counts, not latency."""
        self._in_backlog = in_backlog

    def due_in(self, now_s: float) -> float | None:
        """Return after how many seconds `go_on` should be called; None while there is nothing to do."""
        if self._is_leaving:
            return _LOOK_AGAIN_S
        return max(0.0, self._due_at - now_s) if len(self) else None

    def is_due(self, now_s: float) -> bool:
        """Tell whether `go_on` has something to do: to begin a commit, or to take up the end of one."""
        if not len(self):
            return False
        if self._is_leaving:
            return self._is_too_much() or self._writer.has_ended
        return now_s >= self._due_at

    def go_on(self, now_s: float) -> Sequence[Uncommitted]:
        """Begin a commit if one is due and none is under way; return what has been committed.

        Waits only when too much has come together.

        Raises:
            RetriableTransportError: everything waits still; call again.
            FencedError: another process took over.
            TransportError: it never will be committed.
        """
        self._finish(wait=self._is_too_much())
        if not self._is_leaving and len(self) and now_s >= self._due_at:
            self._begin(now_s)
            self._finish(wait=False)
        return self._take()

    def deliver(self, now_s: float) -> Sequence[Uncommitted]:
        """Commit everything, and return what has been committed; raises as `go_on`."""
        self._finish(wait=True)
        while len(self):
            self._begin(now_s)
            self._finish(wait=True)
        return self._take()

    def drop(self, sources: Collection[TopicPartition]) -> None:
        """Forget what waits of partitions that are another worker's now."""
        self._waiting = [part for part in self._waiting if part.source not in sources]
        self._leaving = [part for part in self._leaving if part.source not in sources]

    def close(self) -> None:
        """Free the writer's connections, after the end of what is under way."""
        self._writer.close()

    @property
    def _due_at(self) -> float:
        return self._begun_at + (self._backlog_interval_s if self._in_backlog else self._interval_s)

    def _is_too_much(self) -> bool:
        return sum(part.received for part in self._waiting) > MOST_WAITING

    def _begin(self, now_s: float) -> None:
        # What failed goes first and alone: only of just that is it known whether it was written.
        if not self._leaving:
            self._leaving, self._waiting = self._waiting, []
        outputs: dict[TopicPartition, list[Message]] = {}
        offsets: dict[TopicPartition, int] = {}
        for part in self._leaving:
            outputs.setdefault(part.source, []).extend(part.messages)
            offsets[part.source] = part.next_offset
        self._writer.begin(outputs, offsets)
        self._is_leaving = True
        self._begun_at = now_s

    def _finish(self, *, wait: bool) -> None:
        if not self._is_leaving:
            return
        try:
            is_written = self._writer.finish(wait=wait)
        except BaseException:
            self._is_leaving = False
            raise
        if is_written:
            self._is_leaving = False
            self._delivered += self._leaving
            self._leaving = []

    def _take(self) -> Sequence[Uncommitted]:
        delivered, self._delivered = self._delivered, []
        return delivered
