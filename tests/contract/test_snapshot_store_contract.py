"""What every store of snapshots promises, on a folder and on an S3 server."""

import threading
from pathlib import Path

import pytest

from streamer.errors import SnapshotError
from streamer.events.record import TopicPartition
from streamer.state.container import Writable
from streamer.state.store import SnapshotStore
from tests.helpers.s3 import S3
from tests.helpers.stores import SOURCE, content, read


@pytest.fixture(params=["folder", "file URL", "S3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> SnapshotStore:
    if request.param == "S3":
        s3: S3 = request.getfixturevalue("s3")
        return SnapshotStore(f"s3://{s3.new_bucket()}/state", "fraud", keep=2)
    return SnapshotStore(str(tmp_path) if request.param == "folder" else tmp_path.as_uri(), "fraud", keep=2)


def test_the_newest_are_kept_and_listed_first(store: SnapshotStore) -> None:
    assert store.offsets(SOURCE) == []
    for offset in (5, 40, 300):
        stored = store.write(SOURCE, offset, content(b"state of %d" % offset))
        assert (stored.created, stored.size) == (True, len(b"state of %d" % offset))
    assert store.offsets(SOURCE) == [300, 40]
    assert read(store, 40) == b"state of 40"
    assert store.offsets(TopicPartition("payments", 4)) == []


def test_one_that_is_there_is_never_written_again(store: SnapshotStore) -> None:
    store.write(SOURCE, 5, content(b"first"))
    stored = store.write(SOURCE, 5, content(b"second"))
    assert (stored.created, stored.size) == (False, 0)
    assert read(store, 5) == b"first"


def test_one_that_is_discarded_makes_room_for_another(store: SnapshotStore) -> None:
    store.write(SOURCE, 5, content(b"first"))
    store.discard(SOURCE, 5)
    assert store.offsets(SOURCE) == []
    assert store.write(SOURCE, 5, content(b"second")).created
    assert read(store, 5) == b"second"
    store.discard(SOURCE, 77)  # gone is as good


def test_a_worker_that_fell_behind_deletes_nothing_of_its_successor(store: SnapshotStore) -> None:
    for offset in (100, 200):
        store.write(SOURCE, offset, content(b"new"))
    for offset in (10, 20, 30):
        store.write(SOURCE, offset, content(b"old"))
    assert store.offsets(SOURCE) == [200, 100, 30, 20]


def test_of_two_that_write_at_once_one_wins_whole(store: SnapshotStore) -> None:
    both_are_writing = threading.Barrier(2, timeout=20)
    created = []

    def write(text: bytes) -> None:
        def slowly(stream: Writable) -> int:
            stream.write(text[:2])
            both_are_writing.wait()
            stream.write(text[2:])
            return len(text)

        created.append(store.write(SOURCE, 5, slowly).created)

    threads = [threading.Thread(target=write, args=(text,)) for text in (b"aaaa", b"bbbb")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(created) == [False, True]
    assert read(store, 5) in {b"aaaa", b"bbbb"}


def test_a_write_that_fails_leaves_nothing(store: SnapshotStore) -> None:
    def fail(stream: Writable) -> int:
        stream.write(b"half")
        raise SnapshotError("enough")

    with pytest.raises(SnapshotError, match=r"^enough$"):
        store.write(SOURCE, 5, fail)
    assert store.offsets(SOURCE) == []
    store.write(SOURCE, 5, content(b"whole"))
    assert read(store, 5) == b"whole"


def test_one_that_is_not_there_is_told_by_its_place(store: SnapshotStore) -> None:
    with pytest.raises(SnapshotError, match=r"cannot read .*/fraud/payments/3/0{19}5\.snapshot: "):
        read(store, 5)
