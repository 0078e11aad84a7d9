"""The peer of `make bench` does the same work: the same features, and so the same judgement."""

import math
from pathlib import Path

import msgspec
import numpy as np
import pytest

from streamer.events.decode import decode
from streamer.events.record import Record
from streamer.settings import Settings
from streamer.simulate.event import encode
from streamer.simulate.stream import simulate
from streamer.state.features import TABLE
from streamer.state.partition import PartitionState
from tests.bench import quix
from tests.bench.plain_features import Everybody, features, new_user
from tests.bench.skew import BUSY, skewed
from tests.conftest import SMALL_WORLD


@pytest.fixture(scope="module")
def records() -> list[Record]:
    events = list(simulate(SMALL_WORLD, range(12)))[:2_000]
    return [
        Record("t", 0, number, str(event.transaction.user_id).encode(), encode(event.transaction))
        for number, event in enumerate(events)
    ]


def test_the_peer_computes_the_features_of_the_worker(records: list[Record]) -> None:
    settings = Settings()
    batch, rejected = decode(records, settings.events)
    assert not rejected
    state = PartitionState(settings.state, late_after_ms=60_000)
    ours = state.advance(batch).windows.last
    users: dict[str, dict[str, object]] = {}
    shared = Everybody()
    for record, mine in zip(records, ours, strict=True):
        event = msgspec.json.decode(record.value or b"")
        theirs = features(event, users.setdefault(event["user_id"], new_user()), shared)
        assert theirs.keys() == set(TABLE.names)
        np.testing.assert_allclose([theirs[name] for name in TABLE.names], mine, rtol=2e-3, atol=2e-3)


def test_the_state_of_the_peer_is_json(records: list[Record]) -> None:
    user, shared = new_user(), Everybody()
    features(msgspec.json.decode(records[0].value or b""), user, shared)
    assert msgspec.json.decode(msgspec.json.encode(user)) == user


def test_half_of_the_traffic_becomes_one_user_s(records: list[Record]) -> None:
    uneven = skewed(records)
    busy = [record for record in uneven if record.key == BUSY.encode()]
    assert len(busy) == math.floor(len(records) / 2)
    before, after = (msgspec.json.decode(each[1].value or b"") for each in (records, uneven))
    assert after == {**before, "user_id": BUSY}
    assert uneven[0] == records[0]


def test_a_peer_that_cannot_be_installed_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "quix.lock"
    lock.write_text(
        "quixstreams @ file:///nowhere/quixstreams-0-py3-none-any.whl --hash=sha256:" + 64 * "0" + "\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(quix, "_LOCK", lock)
    with pytest.raises(quix.Unavailable, match="nowhere"):
        quix.environment(tmp_path / "environment")
    assert not (tmp_path / "environment" / ".installed").exists()
