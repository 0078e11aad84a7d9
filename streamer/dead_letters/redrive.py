"""Dead letters on their way back: each once, however often a run is repeated or killed.

A record and the mark that its letter is done are written in one transaction. A run first fences
those before it and ends what they left open, and only then reads which letters are done.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from streamer.clock import Clock
from streamer.dead_letters.ledger import read_ledger
from streamer.dead_letters.letter import Letter, Position
from streamer.dead_letters.pace import Pace
from streamer.dead_letters.plan import Request, Summary, plan
from streamer.dead_letters.restore import Refusal, mark, restored
from streamer.errors import RetriableTransportError
from streamer.events.record import Message, Record
from streamer.transport.base import Source, TransactionalProducer
from streamer.transport.message_size import message_bytes

TRIES = 5
BACKOFF_S = 1.0
# Ten transactions a second cost a seventh of the time.
_BATCH_S = 0.1
_BATCH_RECORDS = 200
_BATCH_BYTES = 4_000_000
_POLL_S = 0.1
_POLL_RECORDS = 2_000
# Polls must not be further apart than the group's patience, however slow the pace.
_POLL_WITHIN_S = 10

OpenTopic = Callable[[], AbstractContextManager[Source]]
"""Opens the dead-letter topic from its beginning to its end as of that moment, unfinished transactions included."""

_Pair = tuple[Position, tuple[Message, Message]]


class Redriver:
    """Carries out one request."""

    def __init__(
        self,
        request: Request,
        producer: TransactionalProducer,
        open_topic: OpenTopic,
        *,
        pace: Pace,
        clock: Clock,
        version: str,
        timeout_s: float,
        stopping: threading.Event,
        progress: Callable[[int], None],
        backoff_s: float = BACKOFF_S,
    ) -> None:
        """Inject the parts; nothing starts before `run`.

        Args:
            request: what to do.
            producer: its name must be the same in all runs on this topic, so that they fence each other.
            open_topic: opens the dead-letter topic.
            pace: the limit on records a second.
            clock: wall time, for headers.
            version: version of this program.
            timeout_s: longest transaction.
            stopping: set to end after the transaction in hand.
            progress: is told how many records were redriven each time.
            backoff_s: wait after a first failure; grows with each further one.
        """
        self._request = request
        self._producer = producer
        self._open_topic = open_topic
        self._pace = pace
        self._batch_records = max(1, min(_BATCH_RECORDS, int(pace.per_second * _BATCH_S)))
        self._poll_records = max(1, min(_POLL_RECORDS, int(pace.per_second * _POLL_WITHIN_S)))
        self._clock = clock
        self._version = version
        self._timeout_s = timeout_s
        self._stopping = stopping
        self._progress = progress
        self._backoff_s = backoff_s
        self._summary: Summary | None = None
        self._wanted: dict[Position, Letter] = {}
        self._in_doubt: frozenset[Position] = frozenset()

    def run(self) -> Summary:
        """Redrive what was asked for; to be called once.

        Raises:
            FencedError: another run took over; what this one had not written, that one will look at.
            TransportError: reading or writing cannot go on; another run goes on from there.
        """
        tries = 0
        while True:
            tries += 1
            try:
                summary = self._begin()
                if self._wanted and not self._stopping.is_set():
                    with self._open_topic() as topic:
                        self._send(topic, summary)
            except RetriableTransportError:
                if tries == TRIES or self._stopping.wait(self._backoff_s * tries):
                    raise
            else:
                return summary

    def _begin(self) -> Summary:
        """Fence other runs, read what is done, and choose what is to do; or what is still to do."""
        self._producer.renew()
        first = self._summary is None
        with self._open_topic() as topic:
            ledger = read_ledger(topic, self._request.selection.wants if first else lambda _: False)
        if self._summary is None:
            self._wanted, self._summary = plan(ledger, self._request)
            return self._summary
        # The transaction that was not answered has ended by now: its marks tell how.
        self._note(self._in_doubt & ledger.redriven, self._summary)
        self._in_doubt = frozenset()
        for position in self._wanted.keys() & ledger.redriven:
            del self._wanted[position]
            self._summary.done += 1
            self._summary.left -= 1
        return self._summary

    def _send(self, topic: Source, summary: Summary) -> None:
        for batch in self._batches(topic, summary):
            self._pace.take(len(batch))
            if self._stopping.is_set():
                return
            messages = [message for _, pair in batch for message in pair]
            positions = frozenset(position for position, _ in batch)
            try:
                self._producer.transact(messages, {}, None, timeout_s=self._timeout_s)
            except RetriableTransportError:
                self._in_doubt = positions
                raise
            self._note(positions, summary)

    def _batches(self, topic: Source, summary: Summary) -> Iterator[list[_Pair]]:
        """Yield what fits into one transaction each, in the order of the topic."""
        pending = dict(self._wanted)
        batch: list[_Pair] = []
        size = 0
        while pending and (records := topic.poll(timeout_s=_POLL_S, max_records=self._poll_records)):
            for record in records:
                letter = pending.pop(Position(record.partition, record.offset), None)
                pair = letter and self._pair(record, letter, summary)
                if not pair:
                    continue
                batch.append(pair)
                size += message_bytes(pair[1][0])
                if len(batch) == self._batch_records or size >= _BATCH_BYTES:
                    yield batch
                    batch, size = [], 0
        if batch:
            yield batch

    def _pair(self, record: Record, letter: Letter, summary: Summary) -> _Pair | None:
        now_ms = round(self._clock.wall() * 1000)
        message = restored(record, letter, self._request.rules.target, now_ms=now_ms)
        if message_bytes(message) > self._producer.max_message_bytes:
            summary.refused[Refusal.TOO_LARGE] += 1
            summary.left -= 1
            del self._wanted[letter.position]
            return None
        return letter.position, (message, mark(record, letter, version=self._version, now_ms=now_ms))

    def _note(self, written: frozenset[Position], summary: Summary) -> None:
        for position in written:
            del self._wanted[position]
        summary.redriven += len(written)
        summary.left -= len(written)
        self._progress(len(written))
