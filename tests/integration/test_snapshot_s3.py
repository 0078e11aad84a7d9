"""Snapshots on an S3 server: in parts, created only where there is none, and when things go wrong."""

import pytest

from streamer.errors import SnapshotError
from streamer.state.container import Writable
from streamer.state.store import SnapshotStore
from tests.helpers.s3 import S3
from tests.helpers.stores import SOURCE, content, read

KEY = "state/fraud/payments/3/00000000000000000005.snapshot"
PIECE = bytes(1 << 20)


def store_in(bucket: str) -> SnapshotStore:
    return SnapshotStore(f"s3://{bucket}/state", "fraud", keep=2)


def test_a_large_one_goes_up_in_parts_and_comes_back(s3: S3) -> None:
    bucket = s3.new_bucket()
    data = bytes(range(256)) * (20 << 12)

    def write(stream: Writable) -> int:
        for start in range(0, len(data), 1 << 20):
            stream.write(memoryview(data)[start : start + (1 << 20)])
        return len(data)

    assert store_in(bucket).write(SOURCE, 5, write).size == len(data)
    assert s3.keys(bucket) == [KEY]
    found = bytearray(len(data) + 1)
    length = 0
    with store_in(bucket).open(SOURCE, 5) as stream:
        while count := stream.readinto(memoryview(found)[length:]):
            length += count
    assert found[:length] == data


@pytest.mark.parametrize("pieces", [1, 20])
def test_one_that_appears_meanwhile_is_not_replaced(s3: S3, pieces: int) -> None:
    bucket = s3.new_bucket()

    def write(stream: Writable) -> int:
        for _ in range(pieces):
            stream.write(PIECE)
        s3.put(bucket, KEY, b"another worker's")
        return pieces * len(PIECE)

    assert not store_in(bucket).write(SOURCE, 5, write).created
    assert read(store_in(bucket), 5) == b"another worker's"
    assert s3.unfinished(bucket) == []


def test_one_that_is_given_up_midway_leaves_no_parts(s3: S3) -> None:
    bucket = s3.new_bucket()

    def fail(stream: Writable) -> int:
        for _ in range(20):
            stream.write(PIECE)
        assert s3.unfinished(bucket) == [KEY]
        raise SnapshotError("enough")

    with pytest.raises(SnapshotError, match=r"^enough$"):
        store_in(bucket).write(SOURCE, 5, fail)
    assert (s3.keys(bucket), s3.unfinished(bucket)) == ([], [])


def test_a_bucket_that_does_not_exist_is_told(s3: S3) -> None:
    with pytest.raises(SnapshotError, match=r"cannot write s3://no-such-bucket/state/.*: .*make the bucket"):
        store_in("no-such-bucket").write(SOURCE, 5, content(b"state"))
    assert store_in("no-such-bucket").offsets(SOURCE) == []


def test_a_server_that_is_away_is_told(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(SnapshotError, match=r"cannot list the snapshots in s3://away/state/fraud"):
        store_in("away").offsets(SOURCE)


def test_no_message_shows_credentials_of_the_url(s3: S3) -> None:
    store = SnapshotStore("s3://key:secret@bucket/state", "fraud", keep=2)
    with pytest.raises(SnapshotError) as caught:
        store.write(SOURCE, 5, content(b"state"))
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
