"""From a judged event to an alert."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamer.alerts import contract
from streamer.alerts.contract import Alert
from streamer.alerts.identity import alert_id, entity_of
from streamer.alerts.policy import Verdict
from streamer.alerts.reasons import find_reasons
from streamer.alerts.scale import ACTIONS, risk_score, threshold_tail
from streamer.alerts.situation import Situation
from streamer.alerts.texts import money_text, time_text
from streamer.events.event import EventBatch
from streamer.settings import AlertSettings
from streamer.state.features import TABLE
from streamer.state.partition import Payment

OPTIONAL = ("merchant_id", "category", "currency", "channel", "country", "device_id")

_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class BundleIdentity:
    """Which bundle judged.

    Attributes:
        bundle_id: name of the line of bundles.
        version: version within the line.
        sha256: digest of the bundle, hexadecimal.
        calibrated_at: milliseconds since the epoch.
    """

    bundle_id: str
    version: str
    sha256: str
    calibrated_at: int


@dataclass(frozen=True, slots=True)
class DetectorScore:
    """What one detector said: its raw score and the calibrated tail."""

    name: str
    raw: float
    tail: float


@dataclass(frozen=True, slots=True)
class Finding:
    """An event that becomes an alert, with all that is told about it.

    Attributes:
        batch: the events it was judged with.
        verdict: its row, risk and level.
        detectors: the evidence of each detector.
        features: (F,) features of the event.
        typical: (F,) usual features, the medians of the training data.
        contributions: (F,) how much each feature drove the risk; None if no reasons can be told.
        recent: the user's latest payments, newest first, the judged one included.
        count_1h: the user's payments within 1 h, this one included.
        count_24h: the same within 24 h.
        count_7d: the same within 7 d.
        earlier: how many earlier events of the user are known.
        late: whether the event came far behind its partition's clock.
        degraded: whether a part of the detectors could not be asked.
    """

    batch: EventBatch
    verdict: Verdict
    detectors: tuple[DetectorScore, ...]
    features: NDArray[np.floating]
    typical: NDArray[np.floating]
    contributions: NDArray[np.floating] | None
    recent: tuple[Payment, ...]
    count_1h: int
    count_24h: int
    count_7d: int
    earlier: int
    late: bool
    degraded: bool = False


def build_alert(
    finding: Finding,
    settings: AlertSettings,
    bundle: BundleIdentity,
    *,
    worker_version: str,
    created_at: int,
    replay: bool = False,
) -> Alert:
    """Assemble an alert.

    Args:
        finding: the judged event.
        settings: tenant, budget, hashing of users and what a cold start is.
        bundle: what judged it.
        worker_version: version of this program.
        created_at: wall time in milliseconds since the epoch.
        replay: whether old data is judged again.
    """
    batch, row, verdict = finding.batch, finding.verdict.row, finding.verdict
    record = batch.records[row]
    entity = entity_of(batch.user_id[row], settings.entity_key)
    return Alert(
        identity=contract.Identity(alert_id=alert_id(settings.tenant, batch.transaction_id[row], "transaction_risk")),
        time=contract.Timing(
            event_time=time_text(int(batch.timestamp[row])),
            created_at=time_text(created_at),
            processing_ms=max(created_at - record.timestamp, 0) if record.timestamp >= 0 else None,
        ),
        transaction=contract.AlertedTransaction(
            transaction_id=batch.transaction_id[row],
            amount=money_text(float(batch.amount[row])),
            currency=batch.currency[row],
            merchant_id=batch.merchant_id[row],
            category=batch.category[row],
            channel=batch.channel[row],
            country=batch.country[row],
        ),
        entity=entity,
        decision=contract.Decision(
            risk_score=risk_score(verdict.risk),
            risk_level=verdict.level,
            recommended_action=ACTIONS[verdict.level],
            threshold=risk_score(threshold_tail(settings.alerts_per_million)),
            expected_alert_rate=settings.alerts_per_million / 1e6,
        ),
        evidence=_evidence(finding),
        rules=contract.Rules(
            matched=(),
            suppression=contract.Suppression(
                key=f"{entity.entity_type}:{entity.entity_ref}",
                until=time_text(verdict.until),
                hidden_count=verdict.hidden,
            ),
        ),
        model=contract.Model(
            bundle_id=bundle.bundle_id,
            bundle_version=bundle.version,
            bundle_sha256=bundle.sha256,
            calibrated_at=time_text(bundle.calibrated_at),
        ),
        origin=contract.Origin(
            topic=record.topic, partition=record.partition, offset=record.offset, worker_version=worker_version
        ),
        flags=contract.Flags(
            cold_start=finding.earlier < settings.cold_start_events,
            late=finding.late,
            missing_fields=_missing(batch, row),
            replay=replay,
            degraded=finding.degraded,
        ),
    )


def _evidence(finding: Finding) -> contract.Evidence:
    known = finding.contributions
    return contract.Evidence(
        detectors=tuple(
            contract.DetectorEvidence(name=each.name, raw=_short(each.raw), calibrated=_short(each.tail))
            for each in finding.detectors
        ),
        reasons=() if known is None else find_reasons(_situation(finding), TABLE.names, known),
        recent=tuple(
            contract.RecentPayment(
                time=time_text(payment.timestamp), amount=money_text(payment.amount), merchant_id=payment.merchant_id
            )
            for payment in finding.recent[: contract.MOST_RECENT]
        ),
        counts=contract.Counts(last_1h=finding.count_1h, last_24h=finding.count_24h, last_7d=finding.count_7d),
    )


def _situation(finding: Finding) -> Situation:
    batch, row = finding.batch, finding.verdict.row
    time = int(batch.timestamp[row])
    return Situation(
        features=dict(zip(TABLE.names, finding.features.tolist(), strict=True)),
        typical=dict(zip(TABLE.names, finding.typical.tolist(), strict=True)),
        amount=max(float(batch.amount[row]), 0.0),
        hour=time // _HOUR_MS % 24,
        count_1h=finding.count_1h,
        count_24h=finding.count_24h,
        count_7d=finding.count_7d,
        merchant_known=batch.merchant_id[row] is not None,
        in_order=all(payment.timestamp <= time for payment in finding.recent),
    )


def _missing(batch: EventBatch, row: int) -> tuple[str, ...]:
    absent = [name for name in OPTIONAL if getattr(batch, name)[row] is None]
    return tuple(absent if batch.located[row] else [*absent, "latitude", "longitude"])


def _short(number: float) -> float:
    """Round to the digits that a float32 holds."""
    return float(f"{number:.7g}")
