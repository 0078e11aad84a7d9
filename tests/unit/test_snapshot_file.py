"""What a snapshot says of itself, who else can open it, and which ones a program refuses."""

import json
import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import Any

import msgspec
import numpy as np
import pytest

from streamer.errors import SnapshotError, UnusableSnapshot
from streamer.events.record import TopicPartition
from streamer.state import snapshot
from streamer.state.container import ContainerWriter
from streamer.state.features import TABLE
from tests.helpers.snapshots import LIMITS, LOG_ID, empty_state, read, written
from tests.property.test_snapshot_image import EVENTS
from tests.property.test_state import batch_of


@pytest.fixture(scope="module")
def data() -> bytes:
    state = empty_state()
    state.advance(batch_of(EVENTS))
    return written(state.begin_image(), next_offset=20)


def changed(data: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """Return a snapshot, sound in itself, with another header."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    header = json.loads(members["header.json"])
    change(header)
    members["header.json"] = json.dumps(header).encode().ljust(4096)
    stream = BytesIO()
    writer = ContainerWriter(stream)
    for name, content in members.items():
        writer.add(name, [content])
    writer.finish()
    return stream.getvalue()


def refusal(data: bytes) -> str:
    with pytest.raises(SnapshotError) as caught:
        read(data)
    return str(caught.value)


def test_any_zip_tool_and_numpy_open_it(data: bytes) -> None:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        header = json.loads(archive.read("header.json"))
    assert (header["format"], header["topic"], header["partition"], header["next_offset"]) == (3, "payments", 3, 20)
    assert header["log_id"] == LOG_ID
    assert tuple(header["features"]) == TABLE.names
    with np.load(BytesIO(data), allow_pickle=False) as arrays:
        names = msgspec.msgpack.decode(arrays["users.npy"] if "users.npy" in arrays else arrays["users"])
        assert names == ["u16", "u17", "u18", "u19"]
        assert arrays["user_rows"]["count"].tolist() == [1, 1, 1, 1]
        assert arrays["rings"].shape == (4, 32, TABLE.steps)


def test_equal_moments_make_equal_files(data: bytes) -> None:
    state = empty_state()
    state.advance(batch_of(EVENTS[:11]))
    state.advance(batch_of(EVENTS[11:]))
    assert written(state.begin_image(), slice_bytes=1, next_offset=20) == data


def test_an_empty_state_is_stored_too() -> None:
    restored, saved = read(written(empty_state().begin_image(), next_offset=0, extra=b""))
    assert (restored.users, restored.merchants, saved.extra) == (0, 0, b"")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 4}, "a newer program wrote it: its format is 4, this program reads 3"),
        ({"format": 2}, "an older program wrote it"),
        ({"topic": "orders"}, "it is of partition 3 of 'orders', not 3 of 'payments'"),
        ({"partition": 4}, "it is of partition 4 of 'payments', not 3"),
        ({"log_id": "x"}, f"'payments' was deleted and made anew since: it is of log x, and the log now is {LOG_ID}"),
        ({"features": ["amount"]}, "its feature table is another than this program's"),
        ({"formulas": "0" * 64, "program": "9.9"}, "program 9.9 wrote it with other formulas"),
        ({"next_offset": -1}, "its next offset is -1"),
        ({"users": -1}, "it holds -1 users, and state.users is 4"),
        ({"users": 10**12}, "it holds 1,000,000,000,000 users"),
        ({"users": 3}, "its part 'users' holds 4 names, not 3"),
        ({"ids": 19}, "its part 'ids' holds 20 names, not 19"),
        ({"users": "4"}, "Expected `int`, got `str`"),
        ({"ids_size": 10**15}, "its part 'ids.npy' is damaged"),
        ({"extra_size": -5}, "its part 'extra.npy' is damaged"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(data: bytes, change: dict[str, object], said: str) -> None:
    assert said in refusal(changed(data, lambda header: header.update(change)))


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"format": 4}, SnapshotError),
        ({"format": 2}, UnusableSnapshot),
        ({"log_id": "x"}, UnusableSnapshot),
        ({"log_id": "x", "formulas": "0" * 64, "program": "99.1"}, UnusableSnapshot),
        ({"formulas": "0" * 64, "program": "99.1"}, SnapshotError),
        ({"features": ["amount"], "program": "99.1"}, SnapshotError),
        ({"formulas": "0" * 64, "program": "0.0.1"}, UnusableSnapshot),
        ({"features": ["amount"], "program": "?"}, UnusableSnapshot),
        ({"users": 10**12}, UnusableSnapshot),
        ({"ids_size": 7}, UnusableSnapshot),
    ],
)
def test_only_what_a_newer_program_wrote_is_not_to_be_replaced(
    data: bytes, change: dict[str, object], kind: type[SnapshotError]
) -> None:
    with pytest.raises(SnapshotError) as caught:
        read(changed(data, lambda header: header.update(change)))
    assert type(caught.value) is kind


@pytest.mark.parametrize("field", ["format", "topic", "log_id", "users_size"])
def test_a_header_without_a_field_is_refused(data: bytes, field: str) -> None:
    assert f"missing required field `{field}`" in refusal(changed(data, lambda header: header.pop(field)))


@pytest.mark.parametrize(
    ("setting", "held", "limit"), [("users", 4, 3), ("merchants", 9, 8), ("transaction_ids", 20, 12)]
)
def test_more_than_the_settings_allow_is_refused(data: bytes, setting: str, held: int, limit: int) -> None:
    limits = LIMITS.model_copy(update={setting: limit})
    with pytest.raises(SnapshotError, match=rf"it holds {held} .*, and state\.{setting} is {limit}"):
        read(data, limits)


def test_another_partition_is_refused(data: bytes) -> None:
    with pytest.raises(SnapshotError, match="not 0 of 'payments'"):
        snapshot.read(BytesIO(data), "here", TopicPartition("payments", 0), empty_state(), log_id=LOG_ID)


def test_which_log_it_is_of_can_be_unknown_here_or_there(data: bytes) -> None:
    unlabelled = changed(data, lambda header: header.update(log_id=None))
    for stored, log_id, told in ((data, None, LOG_ID), (unlabelled, LOG_ID, None), (unlabelled, None, None)):
        restored, saved = read(stored, log_id=log_id)
        assert (restored.users, saved.label.log_id) == (4, told)


def test_which_log_it_is_of_is_read_alone(data: bytes) -> None:
    assert snapshot.read_log_id(BytesIO(data[:5_000]), "here") == LOG_ID
    with pytest.raises(UnusableSnapshot, match="snapshot here cannot be used"):
        snapshot.read_log_id(BytesIO(data[:4_000]), "here")


def test_the_header_has_room_for_the_longest_topic() -> None:
    label = snapshot.Label(TopicPartition("t" * 249, 2**31), "i" * 36, 2**63 - 1, 2**63 - 1)
    stream, image = BytesIO(), empty_state().begin_image()
    snapshot.write(stream, label, image.head, image.slices(1), b"")
    saved = snapshot.read(BytesIO(stream.getvalue()), "here", label.source, empty_state(), log_id="i" * 36)
    assert saved.label == label
