"""From what was found in one partition's records to the messages that are published."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from detectors.api import Floats
from detectors.bundle import Bundle
from streamer.alerts.build import BundleIdentity, DetectorScore, Finding, build_alert
from streamer.alerts.contract import Alert
from streamer.alerts.dead_letter import dead_letter
from streamer.alerts.message import alert_message
from streamer.alerts.policy import Verdict
from streamer.alerts.score import score_messages
from streamer.errors import MalformedEvent, RejectReason
from streamer.events.decode import Rejected
from streamer.events.record import Message
from streamer.scoring import Judged
from streamer.settings import Settings
from streamer.state.partition import Advance, PartitionState


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in adjacent records of one partition.

    Attributes:
        advance: the events that counted.
        judged: their scores, row for row.
        raised: those that become alerts, in order.
        rejected: the records that cannot be judged, in order.
    """

    advance: Advance
    judged: Judged
    raised: tuple[Verdict, ...]
    rejected: tuple[Rejected, ...]


class Outputs:
    """Knows what all messages of a worker say alike."""

    def __init__(self, settings: Settings, bundle: Bundle, *, worker: str, version: str, replay: bool) -> None:
        """Note what stays the same; see `Pipeline`."""
        self._settings = settings
        self._bundle = bundle
        self._identity = identity_of(bundle)
        self._worker = worker
        self._version = version
        self._replay = replay

    def alerts(
        self, found: Found, state: PartitionState, reasons: Iterator[Floats | None], now_ms: int
    ) -> tuple[Alert, ...]:
        """Return the alerts, in order.

        Args:
            found: what was found.
            state: that of the partition, after these events.
            reasons: for each alert (F,) how much each feature drove its risk; None where that is unknown.
            now_ms: wall time for `created_at`.
        """
        return tuple(
            build_alert(
                self._finding(found, state, verdict, next(reasons)),
                self._settings.alerts,
                self._identity,
                worker_version=self._version,
                created_at=now_ms,
                replay=self._replay,
            )
            for verdict in found.raised
        )

    def messages(self, found: Found, alerts: Sequence[Alert]) -> tuple[Message, ...]:
        """Return the dead letters, the alerts and, where wanted, the scores, each in order."""
        topics, limit = self._settings.topics, self._settings.kafka.max_message_bytes
        letters = (
            dead_letter(each, topics.dead_letters, worker=self._worker, version=self._version, max_bytes=limit)
            for each in found.rejected
        )
        scores = () if topics.scores is None else self._scores(found, topics.scores)
        return (*letters, *(alert_message(alert, topics.alerts, limit) for alert in alerts), *scores)

    def _scores(self, found: Found, topic: str) -> Sequence[Message]:
        judged = found.judged
        return score_messages(
            found.advance.batch,
            np.flatnonzero(judged.has_score),
            risk=judged.judgement.risk,
            tails={self._bundle.ensemble.names[place]: judged.judgement.tails[:, place] for place in judged.heard},
            features=found.advance.windows.last,
            topic=topic,
            bundle_version=self._identity.version,
            entity_key=self._settings.alerts.entity_key,
            degraded=judged.degraded,
        )

    def _finding(self, found: Found, state: PartitionState, verdict: Verdict, contributions: Floats | None) -> Finding:
        row, advance, judgement = verdict.row, found.advance, found.judged.judgement
        past = advance.past[row]
        names = self._bundle.ensemble.names
        return Finding(
            batch=advance.batch,
            verdict=verdict,
            detectors=tuple(
                DetectorScore(names[place], float(judgement.raw[row, place]), float(judgement.tails[row, place]))
                for place in found.judged.heard
            ),
            features=advance.windows.last[row],
            typical=self._bundle.typical,
            contributions=contributions,
            recent=state.recent_payments(advance.past, row),
            count_1h=int(past["count_1h"]),
            count_24h=int(past["count_24h"]),
            count_7d=int(past["count_7d"]),
            earlier=int(past["events"]),
            late=bool(advance.late[row]),
            degraded=found.judged.degraded or contributions is None,
        )


def with_poisonous(rejected: Sequence[Rejected], advance: Advance, judged: Judged) -> tuple[Rejected, ...]:
    """Add the events that no score can be given to, in the order of the log."""
    unscorable = [Rejected(advance.batch.records[row], _unscorable(cause)) for row, cause in judged.poisonous.items()]
    return tuple(sorted([*rejected, *unscorable], key=lambda each: each.record.offset))


def identity_of(bundle: Bundle) -> BundleIdentity:
    """Return what alerts say about a bundle."""
    made = bundle.manifest.made
    return BundleIdentity(made.bundle_id, made.version, bundle.sha256, made.created_at)


def _unscorable(cause: str) -> MalformedEvent:
    return MalformedEvent(
        RejectReason.UNSCORABLE,
        remedy=f"{cause}; it counts in its user's history: judge it by `streamer replay` with a bundle that can",
    )
