"""Records in, outcome out: no I/O, no clock, no thread.

    records -> decode -> state -> detectors -> policy -> messages

The pipeline holds the state of the partitions it was given and nothing else. The same records
give the same outcome, live or replayed, in batches of any size.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.api import Floats, Windows
from detectors.bundle import Bundle
from detectors.ensemble import Judgement
from streamer.alerts.contract import Alert
from streamer.events.decode import Rejected, decode
from streamer.events.event import EventBatch
from streamer.events.mapping import FieldMapping
from streamer.events.record import Message, Record, TopicPartition
from streamer.outputs import Found, Outputs, with_poisonous
from streamer.partition import Partition
from streamer.scoring import Judge, Judged
from streamer.settings import Settings
from streamer.state.partition import Advance

_PLACE = attrgetter("topic", "partition")

Stage = Callable[[str], AbstractContextManager[None]]
"""Times a named stage of the work: decode, state, score or alert."""


class _Share(NamedTuple):
    """Adjacent records of one partition, and whether their outputs were published before."""

    source: TopicPartition
    silent: bool
    records: Sequence[Record]

    @property
    def next_offset(self) -> int:
        """The offset of the record to be read next."""
        return self.records[-1].offset + 1


class _Conclusion(NamedTuple):
    """What was found in a share, from which row on of all that were judged, and how many repeats were hidden."""

    share: _Share
    start: int
    found: Found
    hidden: int


@dataclass(frozen=True, slots=True)
class Scored:
    """What became of the adjacent records of one partition.

    Attributes:
        source: the partition.
        received: how many records came in.
        advance: the events that counted and their windows.
        judgement: their scores, row for row; 0 where there is none.
        has_score: (B,) bool; false where a detector failed.
        degraded: whether a part of the detectors was not heard.
        alerts: the alerts raised, in order.
        rejected: the records that were no transactions, and the events that are poison to a detector.
        hidden: alerts suppressed because the user had one shortly before.
        messages: what is to be published, in order.
        next_offset: the offset of the record to be read next.
        silent: whether an earlier run published and committed all of this before; it only changed the state.
    """

    source: TopicPartition
    received: int
    advance: Advance
    judgement: Judgement
    has_score: NDArray[np.bool_]
    degraded: bool
    alerts: tuple[Alert, ...]
    rejected: tuple[Rejected, ...]
    hidden: int
    messages: tuple[Message, ...]
    next_offset: int
    silent: bool


class Pipeline:
    """Judges records; one for each worker."""

    def __init__(
        self,
        settings: Settings,
        bundle: Bundle,
        *,
        worker: str,
        version: str,
        replay: bool,
        stage: Stage,
        mapping: FieldMapping | None = None,
    ) -> None:
        """Start without partitions; they are made when first seen.

        Args:
            settings: all settings.
            bundle: the detectors and their calibration.
            worker: name of this process, for dead letters.
            version: version of this program, for alerts and dead letters.
            replay: whether alerts are marked as replayed.
            stage: times the stages.
            mapping: of records that are no canonical transactions.
        """
        self._settings = settings
        self._mapping = mapping
        self._outputs_by = partial(Outputs, settings, worker=worker, version=version, replay=replay)
        self.use(bundle)
        self._stage = stage
        self._partitions: dict[TopicPartition, Partition] = {}

    def use(self, bundle: Bundle) -> None:
        """Judge by another bundle from the next records on; the state stays as it is."""
        self._bundle = bundle
        self._judge = Judge(bundle.ensemble, on_failure=self._settings.worker.on_scoring_failure)
        self._outputs = self._outputs_by(bundle)

    @property
    def detector_names(self) -> tuple[str, ...]:
        """Names of the detectors, in the order of the columns of a judgement."""
        return self._bundle.ensemble.names

    def partition(self, source: TopicPartition) -> Partition:
        """Return what is held of a partition, made on first use."""
        partition = self._partitions.get(source)
        if partition is None:
            partition = self._partitions[source] = Partition(self._settings)
        return partition

    def adopt(self, source: TopicPartition, partition: Partition) -> None:
        """Go on with a partition as it was restored."""
        self._partitions[source] = partition

    def drop(self, source: TopicPartition) -> None:
        """Forget everything about a partition."""
        self._partitions.pop(source, None)

    def process(self, records: Sequence[Record], *, now_ms: int) -> tuple[Scored, ...]:
        """Judge records; those of one partition are adjacent and in offset order.

        Args:
            records: what a poll returned, at least one.
            now_ms: wall time for `created_at`; no decision depends on it.
        """
        shares = [share for found in _runs(records) for share in self._shares(found)]
        with self._stage("decode"):
            decoded = list(_cut(shares, *decode(records, self._settings.events, self._mapping)))
        with self._stage("state"):
            advances = [
                self.partition(share.source).state.advance(batch)
                for share, (batch, _) in zip(shares, decoded, strict=True)
            ]
            windows = Windows.concatenate([each.windows for each in advances]).for_several()
        with self._stage("score"):
            judged = self._judge.judge(windows)
        with self._stage("alert"):
            conclusions = []
            start = 0
            for share, (_, rejected), advance in zip(shares, decoded, advances, strict=True):
                conclusions.append(self._conclude(share, rejected, advance, judged, start))
                start += len(advance.batch)
            reasons = iter(self._explain(windows, judged, conclusions))
            return tuple(self._publish(each, reasons, now_ms) for each in conclusions)

    def _shares(self, records: Sequence[Record]) -> Iterator[_Share]:
        """Cut one partition's records where those end that were published before."""
        source = records[0].source
        published_to = self.partition(source).published_to
        edge = bisect_left(records, published_to, key=lambda record: record.offset)
        for silent, share in ((True, records[:edge]), (False, records[edge:])):
            if share:
                yield _Share(source, silent, share)

    def _conclude(
        self, share: _Share, rejected: Sequence[Rejected], advance: Advance, judged: Judged, start: int
    ) -> _Conclusion:
        """Decide on what was judged from a row on."""
        partition = self.partition(share.source)
        partition.next_offset = share.next_offset
        own = judged.rows(start, start + len(advance.batch))
        # Without a score the risk is 0, which no budget makes an alert of.
        verdicts = partition.policy.decide(advance.batch, own.judgement.risk)
        found = Found(advance, own, verdicts.raised, with_poisonous(rejected, advance, own))
        return _Conclusion(share, start, found, verdicts.hidden)

    def _explain(self, windows: Windows, judged: Judged, conclusions: Sequence[_Conclusion]) -> Sequence[Floats | None]:
        """Explain what will be published, all at once: one by one, most of the time would go into beginning."""
        loud = [each for each in conclusions if not each.share.silent]
        rows = [each.start + verdict.row for each in loud for verdict in each.found.raised]
        if not rows:
            return ()
        chosen = np.array(rows)
        return self._judge.explain(windows.rows(chosen), judged.judgement.rows(chosen), degraded=judged.degraded)

    def _publish(self, conclusion: _Conclusion, reasons: Iterator[Floats | None], now_ms: int) -> Scored:
        """Put what was found into messages, unless that was done before."""
        share, found = conclusion.share, conclusion.found
        state = self.partition(share.source).state
        alerts = () if share.silent else self._outputs.alerts(found, state, reasons, now_ms)
        return Scored(
            source=share.source,
            received=len(share.records),
            advance=found.advance,
            judgement=found.judged.judgement,
            has_score=found.judged.has_score,
            degraded=found.judged.degraded,
            alerts=alerts,
            rejected=found.rejected,
            hidden=conclusion.hidden,
            messages=() if share.silent else self._outputs.messages(found, alerts),
            next_offset=share.next_offset,
            silent=share.silent,
        )


def _runs(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """Yield the records of each partition; to look for where they end takes less than to walk through them."""
    start = 0
    while start < len(records):
        stop = _end_of_run(records, start)
        yield records[start:stop]
        start = stop


def _end_of_run(records: Sequence[Record], start: int) -> int:
    place = _PLACE(records[start])

    def is_elsewhere(record: Record) -> bool:
        return bool(_PLACE(record) != place)

    return bisect_left(records, 1, start, key=is_elsewhere)


def _cut(
    shares: Sequence[_Share], batch: EventBatch, rejected: Sequence[Rejected]
) -> Iterator[tuple[EventBatch, Sequence[Rejected]]]:
    """Yield each share's events and the records of it that are none."""
    if len(shares) == 1:
        yield batch, rejected
        return
    refused = {(each.record.source, each.record.offset): each for each in rejected}
    start = 0
    for share in shares:
        places = ((share.source, record.offset) for record in share.records) if refused else ()
        own = [refused[place] for place in places if place in refused]
        stop = start + len(share.records) - len(own)
        yield batch.rows(start, stop), own
        start = stop
