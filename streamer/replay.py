"""The live pipeline over a bounded source: an archive, or a topic up to its present end."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from streamer.alerts.contract import encode_alert
from streamer.clock import Clock
from streamer.errors import EnvironmentFault
from streamer.events.record import Record, TopicPartition
from streamer.pipeline import Pipeline, Scored
from streamer.transport.base import Consumer, Rebalance, Source

QUIET_POLL_S = 1.0


class BoundedTopic:
    """Topics up to the ends they had when their partitions were assigned: a `Source`."""

    def __init__(
        self, consumer: Consumer, topics: Sequence[str], ends: Mapping[TopicPartition, int] | None = None
    ) -> None:
        """Join the group.

        Args:
            consumer: its group must have no committed offsets and start at the earliest.
            topics: what to read.
            ends: where to end instead; what lies behind a transaction that is still open is waited for.
        """
        self._consumer = consumer
        self._given = ends
        self._ends: dict[TopicPartition, int] = {}
        self._assigned = False
        consumer.subscribe(topics, Rebalance(assigned=self._note, revoked=self._drop, lost=self._drop))

    def poll(self, *, timeout_s: float, max_records: int) -> list[Record]:
        """See `Source.poll`; waits for as long as something is left to read."""
        while not self._assigned or self._is_behind():
            polled = self._consumer.poll(timeout_s=timeout_s, max_records=max_records)
            records = [record for record in polled if record.offset < self._ends.get(record.source, 0)]
            if records:
                return records
        return []

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _is_behind(self) -> bool:
        # Positions, not records: the last offsets may hold marks of transactions.
        positions = self._consumer.positions(list(self._ends))
        return any(positions.get(source, 0) < end for source, end in self._ends.items())

    def _note(self, sources: Sequence[TopicPartition]) -> None:
        self._assigned = True
        given = self._given
        ends = self._consumer.end_offsets(sources) if given is None else {s: given.get(s, 0) for s in sources}
        self._ends |= ends

    def _drop(self, sources: Sequence[TopicPartition]) -> None:
        for source in sources:
            self._ends.pop(source, None)


def replay(source: Source, pipeline: Pipeline, clock: Clock, *, max_records: int) -> Iterator[tuple[Scored, ...]]:
    """Yield what became of each batch until the source ends; nothing is produced or committed."""
    while records := source.poll(timeout_s=QUIET_POLL_S, max_records=max_records):
        yield pipeline.process(records, now_ms=round(clock.wall() * 1000))


def totals(outcome: Sequence[Scored]) -> Mapping[str, int]:
    """Count what a batch led to."""
    return {
        "records": sum(part.received for part in outcome),
        "events": sum(len(part.advance.batch) for part in outcome),
        "duplicates": sum(part.advance.duplicates for part in outcome),
        "late": sum(int(part.advance.late.sum()) for part in outcome),
        "rejected": sum(len(part.rejected) for part in outcome),
        "alerts": sum(len(part.alerts) for part in outcome),
        "hidden": sum(part.hidden for part in outcome),
    }


class AlertFile:
    """Alerts as JSON lines in a file; writes nothing where there is no path."""

    def __init__(self, path: Path | None) -> None:
        """Choose the file; a `with` block opens it anew."""
        self._path = path
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        """Open it.

        Raises:
            EnvironmentFault: it cannot be written.
        """
        if self._path is not None:
            try:
                self._file = self._path.open("wb")
            except OSError as error:
                raise EnvironmentFault(f"alerts cannot be written to {str(self._path)!r}: {error}") from error
        return self

    def write(self, outcome: Sequence[Scored]) -> None:
        """Write the alerts of a batch."""
        if self._file is not None:
            self._file.writelines(encode_alert(a) + b"\n" for part in outcome for a in part.alerts)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        if self._file is not None:
            self._file.close()
