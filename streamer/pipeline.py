"""Records in, outcome out: no I/O, no clock, no thread.

    records -> decode -> state -> detectors -> policy -> messages

The pipeline holds the state of the partitions it was given and nothing else. The same records
give the same outcome, live or replayed, in batches of any size.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from detectors.api import Windows
from detectors.bundle import Bundle
from detectors.ensemble import Judgement
from streamer.alerts.build import BundleIdentity, DetectorScore, Finding, build_alert
from streamer.alerts.contract import Alert
from streamer.alerts.dead_letter import dead_letter
from streamer.alerts.message import alert_message
from streamer.alerts.policy import Verdict
from streamer.events.decode import Rejected, decode
from streamer.events.record import Message, Record, TopicPartition
from streamer.partition import Partition
from streamer.settings import Settings
from streamer.state.partition import Advance, PartitionState

Stage = Callable[[str], AbstractContextManager[None]]
"""Times a named stage of the work: decode, state, score or alert."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What became of the adjacent records of one partition.

    Attributes:
        source: the partition.
        received: how many records came in.
        advance: the events that counted and their windows.
        judgement: their scores, row for row.
        alerts: the alerts raised, in order.
        rejected: the records that were no transactions.
        hidden: alerts suppressed because the user had one shortly before.
        messages: what is to be published, in order.
        next_offset: the offset of the record to be read next.
        silent: whether an earlier run published and committed all of this before; it only changed the state.
    """

    source: TopicPartition
    received: int
    advance: Advance
    judgement: Judgement
    alerts: tuple[Alert, ...]
    rejected: tuple[Rejected, ...]
    hidden: int
    messages: tuple[Message, ...]
    next_offset: int
    silent: bool


class Pipeline:
    """Judges records; one for each worker."""

    def __init__(
        self, settings: Settings, bundle: Bundle, *, worker: str, version: str, replay: bool, stage: Stage
    ) -> None:
        """Start without partitions; they are made when first seen.

        Args:
            settings: all settings.
            bundle: the detectors and their calibration.
            worker: name of this process, for dead letters.
            version: version of this program, for alerts and dead letters.
            replay: whether alerts are marked as replayed.
            stage: times the stages.
        """
        self._settings = settings
        self._bundle = bundle
        self._identity = identity_of(bundle)
        self._worker = worker
        self._version = version
        self._replay = replay
        self._stage = stage
        self._partitions: dict[TopicPartition, Partition] = {}

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
        shares = [share for _, found in groupby(records, key=lambda r: r.source) for share in self._shares(list(found))]
        with self._stage("decode"):
            decoded = [decode(share, self._settings.events) for _, _, share in shares]
        with self._stage("state"):
            advances = [
                self.partition(source).state.advance(batch)
                for (source, _, _), (batch, _) in zip(shares, decoded, strict=True)
            ]
        with self._stage("score"):
            judged = self._bundle.ensemble.judge(Windows.concatenate([each.windows for each in advances]))
        with self._stage("alert"):
            scored = []
            start = 0
            for (source, silent, share), (_, rejected), advance in zip(shares, decoded, advances, strict=True):
                judgement = judged.rows(slice(start, start + len(advance.batch)))
                start += len(advance.batch)
                partition = self.partition(source)
                partition.next_offset = share[-1].offset + 1
                verdicts = partition.policy.decide(advance.batch, judgement.risk)
                alerts = () if silent else self._alerts(partition.state, advance, judgement, verdicts.raised, now_ms)
                scored.append(
                    Scored(
                        source=source,
                        received=len(share),
                        advance=advance,
                        judgement=judgement,
                        alerts=alerts,
                        rejected=tuple(rejected),
                        hidden=verdicts.hidden,
                        messages=() if silent else self._messages(rejected, alerts),
                        next_offset=partition.next_offset,
                        silent=silent,
                    )
                )
        return tuple(scored)

    def _shares(self, records: list[Record]) -> Iterator[tuple[TopicPartition, bool, list[Record]]]:
        """Cut one partition's records where those end that were published before."""
        source = records[0].source
        published_to = self.partition(source).published_to
        edge = bisect_left(records, published_to, key=lambda record: record.offset)
        for silent, share in ((True, records[:edge]), (False, records[edge:])):
            if share:
                yield source, silent, share

    def _alerts(
        self,
        state: PartitionState,
        advance: Advance,
        judgement: Judgement,
        raised: Sequence[Verdict],
        now_ms: int,
    ) -> tuple[Alert, ...]:
        if not raised:
            return ()
        rows = np.array([verdict.row for verdict in raised])
        contributions = self._bundle.ensemble.explain(advance.windows.rows(rows))
        return tuple(
            build_alert(
                self._finding(state, advance, judgement, verdict, contributions[number]),
                self._settings.alerts,
                self._identity,
                worker_version=self._version,
                created_at=now_ms,
                replay=self._replay,
            )
            for number, verdict in enumerate(raised)
        )

    def _finding(
        self,
        state: PartitionState,
        advance: Advance,
        judgement: Judgement,
        verdict: Verdict,
        contributions: NDArray[np.float32],
    ) -> Finding:
        row = verdict.row
        past = advance.past[row]
        return Finding(
            batch=advance.batch,
            verdict=verdict,
            detectors=tuple(
                DetectorScore(name, float(judgement.raw[row, place]), float(judgement.tails[row, place]))
                for place, name in enumerate(self._bundle.ensemble.names)
            ),
            features=advance.windows.last[row],
            typical=self._bundle.typical,
            contributions=contributions,
            recent=state.recent_payments(past),
            count_1h=int(past["count_1h"]),
            count_24h=int(past["count_24h"]),
            count_7d=int(past["count_7d"]),
            earlier=int(past["events"]),
            late=bool(advance.late[row]),
        )

    def _messages(self, rejected: Sequence[Rejected], alerts: Sequence[Alert]) -> tuple[Message, ...]:
        topics, limit = self._settings.topics, self._settings.kafka.max_message_bytes
        letters = (
            dead_letter(each, topics.dead_letters, worker=self._worker, version=self._version, max_bytes=limit)
            for each in rejected
        )
        return (*letters, *(alert_message(alert, topics.alerts, limit) for alert in alerts))


def identity_of(bundle: Bundle) -> BundleIdentity:
    """Return what alerts say about a bundle."""
    made = bundle.manifest.made
    return BundleIdentity(made.bundle_id, made.version, bundle.sha256, made.created_at)
