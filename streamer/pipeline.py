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
from itertools import groupby
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from detectors.api import Windows
from detectors.bundle import Bundle
from detectors.ensemble import Judgement
from streamer.alerts.contract import Alert
from streamer.events.decode import Rejected, decode
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

_Share = tuple[TopicPartition, bool, list[Record]]
"""Adjacent records of one partition, and whether their outputs were published before."""


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
        shares = [share for _, found in groupby(records, key=_PLACE) for share in self._shares(list(found))]
        with self._stage("decode"):
            decoded = [decode(share, self._settings.events, self._mapping) for _, _, share in shares]
        with self._stage("state"):
            advances = [
                self.partition(source).state.advance(batch)
                for (source, _, _), (batch, _) in zip(shares, decoded, strict=True)
            ]
        with self._stage("score"):
            judged = self._judge.judge(Windows.concatenate([each.windows for each in advances]))
        with self._stage("alert"):
            scored = []
            start = 0
            for share, (_, rejected), advance in zip(shares, decoded, advances, strict=True):
                stop = start + len(advance.batch)
                scored.append(self._conclude(share, rejected, advance, judged.rows(start, stop), now_ms))
                start = stop
        return tuple(scored)

    def _shares(self, records: list[Record]) -> Iterator[_Share]:
        """Cut one partition's records where those end that were published before."""
        source = records[0].source
        published_to = self.partition(source).published_to
        edge = bisect_left(records, published_to, key=lambda record: record.offset)
        for silent, share in ((True, records[:edge]), (False, records[edge:])):
            if share:
                yield source, silent, share

    def _conclude(
        self, share: _Share, rejected: Sequence[Rejected], advance: Advance, judged: Judged, now_ms: int
    ) -> Scored:
        """Decide on what was judged, and put it into messages unless that was done before."""
        source, silent, records = share
        partition = self.partition(source)
        partition.next_offset = records[-1].offset + 1
        # Without a score the risk is 0, which no budget makes an alert of.
        verdicts = partition.policy.decide(advance.batch, judged.judgement.risk)
        found = Found(advance, judged, verdicts.raised, with_poisonous(rejected, advance, judged))
        alerts = () if silent else self._outputs.alerts(found, partition.state, self._judge, now_ms)
        return Scored(
            source=source,
            received=len(records),
            advance=advance,
            judgement=judged.judgement,
            has_score=judged.has_score,
            degraded=judged.degraded,
            alerts=alerts,
            rejected=found.rejected,
            hidden=verdicts.hidden,
            messages=() if silent else self._outputs.messages(found, alerts),
            next_offset=partition.next_offset,
            silent=silent,
        )
