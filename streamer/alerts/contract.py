"""Alert v1: what subscribers of the alert topic read.

`alert.schema.json` beside this file is generated from these types. Fields may be added within
a version; none changes its meaning.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

SCHEMA_VERSION: Literal[1] = 1
MOST_REASONS = 5
MOST_RECENT = 10

AlertType = Literal["transaction_risk"]
Activity = Literal["create", "update", "close"]
Status = Literal["new", "suppressed", "closed"]
RiskLevel = Literal["low", "elevated", "high", "critical"]
Action = Literal["allow", "review", "step_up", "block"]
EntityType = Literal["user", "hashed_user"]
Direction = Literal["higher", "lower"]

Time = Annotated[
    str,
    Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", description="RFC 3339, UTC, milliseconds."),
]
Money = Annotated[
    str, Meta(pattern=r"^-?\d+(\.\d+)?$", description="Decimal number of currency units; positive is money out.")
]
Score = Annotated[int, Meta(ge=0, le=1000)]


class _Group(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A named part of an alert."""


class Identity(_Group, frozen=True, kw_only=True, gc=False):
    """Which alert this is.

    Attributes:
        alert_id: the same for every production of an alert; derived from tenant, transaction and type.
        supersedes: id of the alert that this one replaces.
    """

    alert_id: str
    schema_version: Literal[1] = SCHEMA_VERSION
    alert_type: AlertType = "transaction_risk"
    activity: Activity = "create"
    status: Status = "new"
    supersedes: str | None = None


class Timing(_Group, frozen=True, kw_only=True, gc=False):
    """When.

    Attributes:
        event_time: when the payment was made.
        created_at: when the alert was made.
        processing_ms: from the record's arrival at the broker to `created_at`; null if unknown.
    """

    event_time: Time
    created_at: Time
    processing_ms: int | None


class AlertedTransaction(_Group, frozen=True, kw_only=True, gc=False):
    """The payment, as its producer described it."""

    transaction_id: str
    amount: Money
    currency: str | None = None
    merchant_id: str | None = None
    category: str | None = None
    channel: str | None = None
    country: str | None = None


class Entity(_Group, frozen=True, kw_only=True, gc=False):
    """Who paid; also the key of the record.

    Attributes:
        entity_type: whether `entity_ref` is the user id or its keyed hash.
        entity_ref: the user id, or HMAC-SHA-256 of it in hexadecimal.
    """

    entity_type: EntityType
    entity_ref: str


class Decision(_Group, frozen=True, kw_only=True, gc=False):
    """How risky, and what to do.

    Attributes:
        risk_score: 0 to 1000 on a logarithmic scale of rarity; 500 is one in a thousand ordinary
            payments, 1000 one in a million. It means the same after a retraining.
        risk_level: low is below the threshold; high is ten times rarer than it, critical a hundred.
        recommended_action: advice only.
        threshold: the risk score from which alerts are raised.
        expected_alert_rate: share of ordinary payments that reach the threshold.
        expected_precision: share of such alerts that are fraud; null if unknown.
    """

    risk_score: Score
    risk_level: RiskLevel
    recommended_action: Action
    threshold: Score
    expected_alert_rate: float
    expected_precision: float | None = None


class DetectorEvidence(_Group, frozen=True, kw_only=True, gc=False):
    """What one detector said.

    Attributes:
        raw: score on the detector's own scale.
        calibrated: -ln of the share of ordinary payments that score as high.
    """

    name: str
    raw: float
    calibrated: float


class Reason(_Group, frozen=True, kw_only=True, gc=False):
    """One cause of the risk, in words and numbers.

    Attributes:
        code: stable name of the statement.
        text: the statement; empty in a truncated alert.
        feature: name of the feature behind it; empty where it is no single one.
        value: what was seen; null where it is no number.
        typical: what is usual, in the same unit; null where nothing is.
        unit: unit of both.
        direction: whether the value is higher or lower than usual.
        contribution: share of the risk, 0 to 1; those of an alert sum to at most 1.
    """

    code: str
    text: str
    feature: str
    value: float | None
    typical: float | None
    unit: str
    direction: Direction
    contribution: Annotated[float, Meta(ge=0, le=1)]


class RecentPayment(_Group, frozen=True, kw_only=True, gc=False):
    """One of the user's latest payments."""

    time: Time
    amount: Money
    merchant_id: str | None = None


class Counts(_Group, frozen=True, kw_only=True, gc=False):
    """The user's payments within a horizon, this one included; 32 stands for 32 or more."""

    last_1h: int = msgspec.field(name="1h")
    last_24h: int = msgspec.field(name="24h")
    last_7d: int = msgspec.field(name="7d")


class Evidence(_Group, frozen=True, kw_only=True, gc=False):
    """What the decision rests on; `reasons` strongest first, `recent` newest first.

    A degraded alert names the detectors that were heard, and may be without reasons.
    """

    detectors: tuple[DetectorEvidence, ...]
    reasons: Annotated[tuple[Reason, ...], Meta(max_length=MOST_REASONS)]
    recent: Annotated[tuple[RecentPayment, ...], Meta(max_length=MOST_RECENT)]
    counts: Counts


class Match(_Group, frozen=True, kw_only=True, gc=False):
    """A rule or list entry that applied."""

    kind: str
    id: str
    effect: str


class Suppression(_Group, frozen=True, kw_only=True, gc=False):
    """What this alert hides.

    Attributes:
        key: alerts of the same key hide one another.
        until: event time up to which further ones of no higher level stay hidden.
        hidden_count: how many were hidden since the previous alert of the key.
    """

    key: str
    until: Time
    hidden_count: int


class Rules(_Group, frozen=True, kw_only=True, gc=False):
    """Rules, lists and suppression."""

    matched: tuple[Match, ...]
    suppression: Suppression


class Model(_Group, frozen=True, kw_only=True, gc=False):
    """The bundle that judged."""

    bundle_id: str
    bundle_version: str
    bundle_sha256: str
    calibrated_at: Time
    stale: bool = False


class Origin(_Group, frozen=True, kw_only=True, gc=False):
    """Where the payment was read, and by which version; provenance, no identity."""

    topic: str
    partition: int
    offset: int
    worker_version: str


class Flags(_Group, frozen=True, kw_only=True, gc=False):
    """Circumstances that weaken or explain an alert.

    Attributes:
        cold_start: little is known of the user.
        late: the payment came far behind its partition's clock.
        missing_fields: optional fields that the payment did not tell.
        replay: made from old data.
        degraded: made without a part of the detectors, or without their reasons.
        truncated: parts were left out to fit the largest message.
    """

    cold_start: bool
    late: bool
    missing_fields: tuple[str, ...]
    replay: bool = False
    degraded: bool = False
    truncated: bool = False


class Alert(_Group, frozen=True, kw_only=True, gc=False):
    """One alert."""

    identity: Identity
    time: Timing
    transaction: AlertedTransaction
    entity: Entity
    decision: Decision
    evidence: Evidence
    rules: Rules
    model: Model
    origin: Origin
    flags: Flags


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Alert).decode


def encode_alert(alert: Alert) -> bytes:
    """Return the alert as JSON in UTF-8."""
    return _encode(alert)


def decode_alert(value: bytes) -> Alert:
    """Read an alert back.

    Raises:
        ValueError: the value is no Alert v1.
    """
    return _decode(value)
