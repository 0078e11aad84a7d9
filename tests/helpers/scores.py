"""Messages of scores without detectors."""

import json
from collections.abc import Mapping

import numpy as np
from pydantic import SecretStr

from detectors.api import Floats
from streamer.alerts.score import score_messages
from streamer.events.decode import decode
from streamer.events.record import Message, Record
from streamer.settings import EventSettings

NOON = 1_735_732_800_000


def score_of(
    *,
    features: Floats | None = None,
    risk: float = 1.5,
    tails: Mapping[str, float] | None = None,
    time: int = NOON,
    transaction: str = "t1",
    user: str = "u1",
    entity_key: str | None = None,
    degraded: bool = False,
) -> Message:
    """Return the message of one judged payment."""
    value = {"transaction_id": transaction, "user_id": user, "amount": 1, "timestamp": time}
    batch, rejected = decode([Record("in", 3, 77, None, json.dumps(value).encode())], EventSettings())
    assert not rejected
    vector = np.zeros(23, np.float32) if features is None else features
    (message,) = score_messages(
        batch,
        np.array([0]),
        risk=np.array([risk], np.float32),
        tails={name: np.array([tail], np.float32) for name, tail in (tails or {}).items()},
        features=vector[None],
        topic="scores",
        bundle_version="7",
        entity_key=None if entity_key is None else SecretStr(entity_key),
        degraded=degraded,
    )
    return message
