"""What the topic of scores holds."""

import numpy as np
import pytest

from streamer.alerts.identity import entity_of
from streamer.alerts.score import Score, decode_score
from streamer.events.values import LONGEST_TEXT
from streamer.settings import KafkaSettings, Settings
from streamer.transport.message_size import message_bytes
from tests.helpers.scores import score_of


def test_a_score_tells_what_was_judged_by_what_and_where() -> None:
    features = np.arange(23, dtype=np.float32)
    message = score_of(features=features, risk=2.5, tails={"tails": 0.5, "gan": 3.0}, degraded=True)
    assert (message.topic, message.key) == ("scores", b"u1")
    assert decode_score(message.value or b"") == Score(
        transaction_id="t1",
        event_time="2025-01-01T12:00:00.000Z",
        bundle_version="7",
        risk=2.5,
        tails={"tails": 0.5, "gan": 3.0},
        features=features.tolist(),
        topic="in",
        partition=3,
        offset=77,
        degraded=True,
    )


def test_the_key_hides_the_user_where_alerts_do() -> None:
    settings = Settings.model_validate({"alerts": {"entity_key": "secret"}})
    message = score_of(user="u1", entity_key="secret")
    assert message.key == entity_of("u1", settings.alerts.entity_key).entity_ref.encode()
    assert b"u1" not in (message.value or b"")


def test_the_largest_score_fits_the_smallest_limit() -> None:
    smallest = next(each.ge for each in KafkaSettings.model_fields["max_message_bytes"].metadata)
    widest = np.full(23, -1.1754943508222875e-38, np.float32)
    message = score_of(
        features=widest,
        transaction="\x01" * LONGEST_TEXT,
        user="\U0001f600" * LONGEST_TEXT,
        tails={f"detector-{number}": 1 / 3 for number in range(8)},
    )
    assert message_bytes(message) < smallest


def test_what_is_no_score_is_refused() -> None:
    with pytest.raises(ValueError, match="transaction_id"):
        decode_score(b"{}")
