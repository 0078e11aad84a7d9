"""Scores keep the bits of their floats on the way through JSON."""

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from detectors.api import Floats
from streamer.alerts.score import decode_score
from streamer.alerts.texts import time_text
from streamer.events.values import EARLIEST_MS, LATEST_MS
from tests.helpers.scores import score_of

TAILS = st.floats(0, 40, width=32)
FEATURES = hnp.arrays(np.float32, 23, elements=st.floats(width=32, allow_nan=False, allow_infinity=False))


@given(FEATURES, TAILS, TAILS, TAILS)
def test_floats_read_back_as_the_same_bits(features: Floats, risk: float, vae: float, gan: float) -> None:
    message = score_of(features=features, risk=risk, tails={"vae": vae, "gan": gan})
    score = decode_score(message.value or b"")
    assert np.array(score.features, np.float32).tobytes() == features.tobytes()
    assert np.float32(score.risk).tobytes() == np.float32(risk).tobytes()
    assert score.tails == {"vae": vae, "gan": gan}
    # Another reader of JSON sees the same numbers.
    plain = msgspec.json.decode(message.value or b"")
    assert np.array(plain["features"], np.float32).tobytes() == features.tobytes()


@given(st.integers(EARLIEST_MS, LATEST_MS - 1))
def test_times_are_written_as_in_alerts(time: int) -> None:
    assert decode_score(score_of(time=time).value or b"").event_time == time_text(time)
