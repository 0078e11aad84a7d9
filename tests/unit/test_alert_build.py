"""The assembled alert, its schema and its names."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

import streamer.alerts
from streamer.alerts.contract import (
    AlertedTransaction,
    DetectorEvidence,
    Flags,
    RecentPayment,
    decode_alert,
    encode_alert,
)
from streamer.alerts.identity import alert_id
from streamer.alerts.message import alert_message
from streamer.alerts.schema import CONTRACTS, schema_of, schema_text
from streamer.settings import AlertSettings
from tests.unit.alert_cases import BUNDLE, DAY, MINUTE, USER, alert_of, drained

GROUPS = ["identity", "time", "transaction", "entity", "decision", "evidence", "rules", "model", "origin", "flags"]
NIGHT = "2025-03-01T02:35:00.000Z"


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_committed_schema_is_the_one_of_the_types(name: str) -> None:
    committed = Path(streamer.alerts.__file__).with_name(f"{name}.schema.json")
    assert committed.read_text(encoding="utf-8") == schema_text(name), "run python -m streamer.alerts.schema"


def test_the_schema_names_every_group_and_closes_every_choice() -> None:
    parts = schema_of("alert")["$defs"]
    assert list(parts["Alert"]["properties"]) == parts["Alert"]["required"] == GROUPS
    assert parts["Decision"]["properties"]["risk_level"]["enum"] == ["critical", "elevated", "high", "low"]
    assert set(parts["Counts"]["properties"]) == {"1h", "24h", "7d"}


def test_an_alert_tells_what_was_found() -> None:
    alert = alert_of(drained())
    assert (alert.time.event_time, alert.time.created_at) == (NIGHT, "2025-03-02T12:00:00.000Z")
    assert alert.time.processing_ms == 2 * DAY - (14 * 60 + 35) * MINUTE - 40
    assert alert.transaction == AlertedTransaction(
        transaction_id="t32", amount="950", currency="EUR", merchant_id="m9", category="jewels", country="SG"
    )
    assert (alert.entity.entity_type, alert.entity.entity_ref) == ("user", USER)
    assert (alert.decision.risk_score, alert.decision.threshold) == (796, 450)
    assert (alert.decision.risk_level, alert.decision.recommended_action) == ("critical", "block")
    assert alert.decision.expected_alert_rate == 0.002
    assert alert.evidence.detectors == (
        DetectorEvidence(name="vae", raw=1.25, calibrated=9.5),
        DetectorEvidence(name="gan", raw=-0.5, calibrated=11.0),
    )
    assert alert.evidence.recent[0] == RecentPayment(time=NIGHT, amount="950", merchant_id="m9")
    assert len(alert.evidence.recent) == 10
    counts = alert.evidence.counts
    assert (counts.last_1h, counts.last_24h, counts.last_7d) == (3, 4, 7)
    assert alert.rules.suppression.until == "2025-03-01T03:35:00.000Z"
    assert (alert.model.bundle_id, alert.model.bundle_version) == (BUNDLE.bundle_id, BUNDLE.version)
    assert (alert.origin.topic, alert.origin.partition, alert.origin.offset) == ("transactions", 2, 32)
    assert alert.flags == Flags(cold_start=False, late=False, missing_fields=("channel",))


def test_an_alert_is_read_back_as_it_was_written() -> None:
    alert = alert_of(drained())
    value = encode_alert(alert)
    assert decode_alert(value) == alert
    assert list(json.loads(value)) == GROUPS


def test_circumstances_are_flagged() -> None:
    flags = alert_of(replace(drained(), late=True, earlier=2)).flags
    assert (flags.late, flags.cold_start) == (True, True)
    assert not alert_of(replace(drained(), earlier=3)).flags.cold_start


def test_an_unknown_arrival_leaves_the_processing_time_unknown() -> None:
    finding = drained()
    records = [*finding.batch.records]
    source = records[-1]
    records[-1] = type(source)(source.topic, source.partition, source.offset, source.key, source.value)
    assert alert_of(replace(finding, batch=replace(finding.batch, records=tuple(records)))).time.processing_ms is None


def test_with_a_key_the_user_id_appears_nowhere() -> None:
    settings = AlertSettings(entity_key=SecretStr("pepper"))
    alert = alert_of(drained(), settings)
    message = alert_message(alert, "alerts", 1_000_000)
    assert alert.entity.entity_type == "hashed_user"
    assert message.key == alert.entity.entity_ref.encode()
    for name, part in (("value", message.value), ("key", message.key), *message.headers):
        text = (part or b"").decode()
        assert USER not in text, name
        assert "4711" not in text, name
        assert "pepper" not in text, name


def test_the_hash_of_a_user_depends_on_the_key_alone() -> None:
    one, again, other = (
        alert_of(drained(), AlertSettings(entity_key=SecretStr(key), tenant=tenant)).entity.entity_ref
        for key, tenant in (("a", "x"), ("a", "y"), ("b", "x"))
    )
    assert one == again != other
    assert len(one) == 64


@pytest.mark.parametrize("parts", [("ab", "c"), ("a", "bc"), ("", "abc"), ("abc", ""), ("a:b", "c"), ("a", "b:c")])
def test_alert_ids_differ_whenever_their_parts_do(parts: tuple[str, str]) -> None:
    others = {("ab", "c"), ("a", "bc"), ("", "abc"), ("abc", ""), ("a:b", "c"), ("a", "b:c")} - {parts}
    assert alert_id(*parts, "transaction_risk") not in {alert_id(*other, "transaction_risk") for other in others}


def test_alert_ids_are_pinned_and_leave_position_out() -> None:
    assert alert_id("default", "t32", "transaction_risk") == alert_of(drained()).identity.alert_id
    assert alert_id("default", "t32", "transaction_risk") == "7fee1499cfa1bc793cfc278651f5a8bc"
    tenants = [alert_of(drained(), AlertSettings(tenant=tenant)).identity.alert_id for tenant in ("a", "b", "a")]
    assert tenants[0] == tenants[2] != tenants[1]


def test_headers_are_cloud_events_in_binary_mode() -> None:
    alert = alert_of(drained())
    headers = dict(alert_message(alert, "alerts", 1_000_000).headers)
    assert headers == {
        "ce_specversion": b"1.0",
        "ce_id": alert.identity.alert_id.encode(),
        "ce_source": b"/fraud-streamer",
        "ce_type": b"fraud-streamer.alert.v1",
        "ce_time": b"2025-03-02T12:00:00.000Z",
        "ce_subject": b"t32",
        "content-type": b"application/json",
    }
