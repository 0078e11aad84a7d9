"""Records in, outcome out: no I/O, no clock, no thread.

    records -> decode -> state -> detectors -> policy -> messages

The pipeline holds the state of the partitions it was given and nothing else. The same records
give the same outcome, live or replayed, in batches of any size.
"""

from collections.abc import Callable, Sequence
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
from streamer.alerts.policy import Policy, Verdict
from streamer.events.decode import Rejected, decode
from streamer.events.record import Message, Record, TopicPartition
from streamer.settings import Settings
from streamer.state.partition import Advance, PartitionState

Stage = Callable[[str], AbstractContextManager[None]]
"""Times a named stage of the work: decode, state, score or alert."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What became of one partition's share of a batch.

    Attributes:
        source: the partition.
        received: how many records came in.
        advance: the events that counted and their windows.
        judgement: their scores, row for row.
        alerts: the alerts raised, in order.
        rejected: the records that were no transactions.
        hidden: alerts suppressed because the user had one shortly before.
    """

    source: TopicPartition
    received: int
    advance: Advance
    judgement: Judgement
    alerts: tuple[Alert, ...]
    rejected: tuple[Rejected, ...]
    hidden: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a batch of records leads to.

    Attributes:
        messages: what is to be produced before the offsets are committed.
        offsets: for each partition, the offset of the record to be read next.
        scored: one entry a partition.
    """

    messages: tuple[Message, ...]
    offsets: dict[TopicPartition, int]
    scored: tuple[Scored, ...]


class _Partition:
    """State and alert policy of one input partition."""

    def __init__(self, settings: Settings) -> None:
        self.state = PartitionState(settings.state, late_after_ms=round(settings.events.late_after_s * 1000))
        self.policy = Policy(settings.alerts)


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
        self._partitions: dict[TopicPartition, _Partition] = {}

    @property
    def detector_names(self) -> tuple[str, ...]:
        """Names of the detectors, in the order of the columns of a judgement."""
        return self._bundle.ensemble.names

    def state(self, source: TopicPartition) -> PartitionState:
        """Return the state of a partition, made on first use."""
        return self._partition(source).state

    def drop(self, source: TopicPartition) -> None:
        """Forget everything about a partition."""
        self._partitions.pop(source, None)

    def process(self, records: Sequence[Record], *, now_ms: int) -> Outcome:
        """Judge records; those of one partition are adjacent and in offset order.

        Args:
            records: what a poll returned, at least one.
            now_ms: wall time for `created_at`; no decision depends on it.
        """
        shares = [(source, list(share)) for source, share in groupby(records, key=lambda record: record.source)]
        with self._stage("decode"):
            decoded = [decode(share, self._settings.events) for _, share in shares]
        with self._stage("state"):
            advances = [
                self.state(source).advance(batch) for (source, _), (batch, _) in zip(shares, decoded, strict=True)
            ]
        with self._stage("score"):
            judged = self._bundle.ensemble.judge(Windows.concatenate([each.windows for each in advances]))
        with self._stage("alert"):
            scored = []
            start = 0
            for (source, share), (_, rejected), advance in zip(shares, decoded, advances, strict=True):
                judgement = judged.rows(slice(start, start + len(advance.batch)))
                start += len(advance.batch)
                alerts, hidden = self._alerts(source, advance, judgement, now_ms)
                scored.append(Scored(source, len(share), advance, judgement, alerts, tuple(rejected), hidden))
            messages = tuple(message for part in scored for message in self._messages(part))
        return Outcome(messages, {source: share[-1].offset + 1 for source, share in shares}, tuple(scored))

    def _partition(self, source: TopicPartition) -> _Partition:
        partition = self._partitions.get(source)
        if partition is None:
            partition = self._partitions[source] = _Partition(self._settings)
        return partition

    def _alerts(
        self, source: TopicPartition, advance: Advance, judgement: Judgement, now_ms: int
    ) -> tuple[tuple[Alert, ...], int]:
        partition = self._partition(source)
        verdicts = partition.policy.decide(advance.batch, judgement.risk)
        if not verdicts.raised:
            return (), verdicts.hidden
        rows = np.array([verdict.row for verdict in verdicts.raised])
        contributions = self._bundle.ensemble.explain(advance.windows.rows(rows))
        alerts = tuple(
            build_alert(
                self._finding(partition.state, advance, judgement, verdict, contributions[number]),
                self._settings.alerts,
                self._identity,
                worker_version=self._version,
                created_at=now_ms,
                replay=self._replay,
            )
            for number, verdict in enumerate(verdicts.raised)
        )
        return alerts, verdicts.hidden

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

    def _messages(self, part: Scored) -> list[Message]:
        topics, limit = self._settings.topics, self._settings.kafka.max_message_bytes
        letters = [
            dead_letter(each, topics.dead_letters, worker=self._worker, version=self._version, max_bytes=limit)
            for each in part.rejected
        ]
        return [*letters, *(alert_message(alert, topics.alerts, limit) for alert in part.alerts)]


def identity_of(bundle: Bundle) -> BundleIdentity:
    """Return what alerts say about a bundle."""
    made = bundle.manifest.made
    return BundleIdentity(made.bundle_id, made.version, bundle.sha256, made.created_at)
