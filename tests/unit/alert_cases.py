"""A judged payment to build alerts from: a user of modest habits drained abroad at night."""

import json
from dataclasses import replace

import numpy as np

from streamer.alerts.build import BundleIdentity, DetectorScore, Finding, build_alert
from streamer.alerts.contract import Alert
from streamer.alerts.policy import Policy
from streamer.events.decode import decode
from streamer.events.record import Record
from streamer.settings import AlertSettings, EventSettings, StateSettings
from streamer.state.features import TABLE
from streamer.state.partition import PartitionState

NOON = 1_735_732_800_000
DAY = 86_400_000
MINUTE = 60_000
HABIT = {
    "merchant_id": "m1",
    "category": "food",
    "device_id": "d1",
    "country": "DE",
    "latitude": 50.1,
    "longitude": 8.7,
}
AWAY = {
    "merchant_id": "m9",
    "category": "jewels",
    "device_id": "d2",
    "country": "SG",
    "latitude": 1.35,
    "longitude": 103.8,
}
SETTINGS = AlertSettings(alerts_per_million=2_000)
BUNDLE = BundleIdentity("demo", "3", "ab" * 32, calibrated_at=NOON - DAY)
USER = "user-Ω-4711"


def payment(offset: int, time: int, amount: float, **fields: object) -> Record:
    value = {"transaction_id": f"t{offset}", "user_id": USER, "amount": amount, "timestamp": time, **fields}
    return Record("transactions", 2, offset, USER.encode(), json.dumps(value).encode(), timestamp=time + 40)


def drained() -> Finding:
    """Thirty payments of 100 every two days, two small ones at night, then 950 in Singapore."""
    records = [payment(n, NOON + 2 * n * DAY, 100.0, **HABIT) for n in range(30)]
    night = NOON + 58 * DAY + 14 * 60 * MINUTE
    records += [payment(30, night, 3.0, **HABIT), payment(31, night + 2 * MINUTE, 2.0, **HABIT)]
    records += [payment(32, night + 35 * MINUTE, 950.0, **AWAY, currency="EUR")]
    batch, rejected = decode(records, EventSettings())
    assert not rejected
    state = PartitionState(StateSettings(users=10, merchants=10, transaction_ids=100), late_after_ms=MINUTE)
    done = state.advance(batch)
    (verdict,) = Policy(SETTINGS).decide(done.batch, np.array([0.0] * 32 + [11.0])).raised
    newest = len(done.batch) - 1
    past = done.past[newest]
    return Finding(
        batch=done.batch,
        verdict=verdict,
        detectors=(DetectorScore("vae", 1.25, 9.5), DetectorScore("gan", -0.5, 11.0)),
        features=done.windows.last[-1],
        typical=np.median(done.windows.last[:30], axis=0),
        contributions=np.ones(len(TABLE.features), np.float32),
        recent=state.recent_payments(done.past, newest),
        count_1h=int(past["count_1h"]),
        count_24h=int(past["count_24h"]),
        count_7d=int(past["count_7d"]),
        earlier=int(past["events"]),
        late=False,
    )


def alert_of(finding: Finding, settings: AlertSettings | None = None) -> Alert:
    return build_alert(finding, settings or SETTINGS, BUNDLE, worker_version="0.1.0", created_at=NOON + 60 * DAY)


def blaming(finding: Finding, *features: str) -> Finding:
    """Return the finding with its risk owed to these features, the first the strongest."""
    weights = np.zeros(len(TABLE.features), np.float32)
    for place, name in enumerate(features):
        weights[TABLE.column(name)] = len(features) - place
    return replace(finding, contributions=weights)
