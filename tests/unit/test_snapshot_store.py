"""Snapshots in a folder, and stores that cannot be used."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamer.clock import ManualClock, SystemClock
from streamer.errors import SnapshotError
from streamer.state.folder import Folder
from streamer.state.store import SnapshotStore, without_credentials
from tests.helpers.stores import SOURCE, content


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_files_lie_where_the_documentation_says(tmp_path: Path) -> None:
    SnapshotStore(str(tmp_path), "fraud", keep=2).write(SOURCE, 5, content(b"state"))
    path = tmp_path / "fraud/payments/3/00000000000000000005.snapshot"
    assert files(tmp_path) == [path.relative_to(tmp_path).as_posix()]
    assert path.stat().st_mode & 0o077 == 0  # it names users
    assert SnapshotStore(str(tmp_path), "fraud", keep=2).place(SOURCE, 5) == str(path)


@pytest.mark.parametrize("group", ["..", ".", "a/../../b", "/etc", "50 % off?", "ü"])
def test_no_name_of_a_group_leads_out_of_the_folder(tmp_path: Path, group: str) -> None:
    root = tmp_path / "root"
    store = SnapshotStore(str(root), group, keep=2)
    store.write(SOURCE, 5, content(b"state"))
    assert store.offsets(SOURCE) == [5]
    assert len(files(root)) == len(files(tmp_path)) == 1
    assert len(list(root.iterdir())) == 1


def test_other_files_are_no_snapshots(tmp_path: Path) -> None:
    store = SnapshotStore(str(tmp_path), "fraud", keep=1)
    store.write(SOURCE, 5, content(b"state"))
    folder = tmp_path / "fraud/payments/3"
    for name in ("readme.txt", "5.snapshot", "0000000000000000000x.snapshot", "00000000000000000009.snapshot.partial"):
        (folder / name).write_text("?")
    assert store.offsets(SOURCE) == [5]


def test_what_dead_writers_left_is_swept_when_it_is_old(tmp_path: Path) -> None:
    clock = ManualClock(SystemClock().wall())
    store = SnapshotStore(str(tmp_path), "fraud", keep=2, clock=clock)
    store.write(SOURCE, 5, content(b"state"))
    left = tmp_path / "fraud/payments/3/left.partial"
    left.write_bytes(b"half")
    store.write(SOURCE, 6, content(b"state"))
    assert left.exists()  # its writer may be alive
    clock.advance(4_000)
    store.write(SOURCE, 7, content(b"state"))
    assert not left.exists()


@pytest.fixture
def small_files() -> Iterator[int]:
    """Let no file grow beyond a size, as a full disk would."""
    most = 1 << 20
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    yield most
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_without_room_is_told_and_nothing_stays(tmp_path: Path, small_files: int) -> None:
    store = SnapshotStore(str(tmp_path), "fraud", keep=2)
    with pytest.raises(SnapshotError, match=r"cannot write .*: .*File too large.*; see that .* has room"):
        store.write(SOURCE, 5, content(bytes(small_files + 1)))
    assert files(tmp_path) == []


def test_a_place_that_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    store = SnapshotStore(str(tmp_path / "state"), "fraud", keep=2)
    with pytest.raises(SnapshotError, match="cannot write"):
        store.write(SOURCE, 5, content(b"state"))
    with pytest.raises(SnapshotError, match="cannot list"):
        store.offsets(SOURCE)


def test_an_unknown_kind_of_url_is_told() -> None:
    with pytest.raises(SnapshotError, match=r"cannot use floppy://a: .*correct snapshots.url"):
        SnapshotStore("floppy://a", "fraud", keep=2)


def test_a_store_that_shows_halves_is_told() -> None:
    store = SnapshotStore("memory://halves", "fraud", keep=2)
    with pytest.raises(SnapshotError, match=r"cannot write memory://halves/.* before all of it is written"):
        store.write(SOURCE, 5, content(b"state"))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("/var/lib/state", "/var/lib/state"),
        ("s3://bucket/state", "s3://bucket/state"),
        ("s3://key:secret@bucket/state", "s3://***@bucket/state"),
        ("https://user@host:8080/state?token=secret", "https://***@host:8080/state?***"),
    ],
)
def test_credentials_are_masked(url: str, shown: str) -> None:
    assert without_credentials(url) == shown


def test_no_message_shows_credentials() -> None:
    with pytest.raises(SnapshotError) as caught:
        SnapshotStore("floppy://key:secret@a/b?token=secret", "fraud", keep=2)
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(SnapshotStore("memory://key:secret@a/b", "fraud", keep=2))


def odd_files(folder: Path) -> list[Path]:
    """Make a snapshot of everything that is no file."""
    folder.mkdir(parents=True)
    odd = [folder / f"{offset:020d}.snapshot" for offset in (1, 2, 3, 4)]
    odd[0].mkdir()
    os.mkfifo(odd[1])
    odd[2].symlink_to("/dev/zero")
    odd[3].symlink_to(folder / "nowhere")
    return odd


def test_what_is_no_file_is_no_snapshot_and_stays(tmp_path: Path) -> None:
    odd = odd_files(tmp_path / "fraud/payments/3")
    store = SnapshotStore(str(tmp_path), "fraud", keep=1)
    assert store.offsets(SOURCE) == []
    assert store.write(SOURCE, 9, content(b"state")).unpruned is None
    assert store.offsets(SOURCE) == [9]
    assert all(os.path.lexists(path) for path in odd)


@pytest.mark.parametrize("offset", [1, 2, 3])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, offset: int) -> None:
    odd_files(tmp_path / "fraud/payments/3")
    store = SnapshotStore(str(tmp_path), "fraud", keep=1)
    with pytest.raises(SnapshotError, match="is no regular file: remove it"), store.open(SOURCE, offset):
        pass


@pytest.mark.parametrize("offset", [1, 2, 3, 4])
def test_what_is_no_file_is_not_taken_for_one_that_was_written(tmp_path: Path, offset: int) -> None:
    odd_files(tmp_path / "fraud/payments/3")
    store = SnapshotStore(str(tmp_path), "fraud", keep=1)
    with pytest.raises(SnapshotError, match="is no regular file: remove it"):
        store.write(SOURCE, offset, content(b"state"))


def test_one_that_cannot_be_deleted_keeps_neither_the_write_nor_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SnapshotStore(str(tmp_path), "fraud", keep=4)
    for offset in (1, 2, 3, 4):
        store.write(SOURCE, offset, content(b"state"))
    delete = Folder.delete

    def refuse(folder: Folder, path: str) -> None:
        if path.endswith(f"{2:020d}.snapshot"):
            raise PermissionError("not yours")
        delete(folder, path)

    monkeypatch.setattr(Folder, "delete", refuse)
    stored = SnapshotStore(str(tmp_path), "fraud", keep=1).write(SOURCE, 5, content(b"newest"))
    assert (stored.created, stored.size) == (True, 6)
    assert stored.unpruned is not None
    assert "not yours; give this process the right" in stored.unpruned
    assert store.offsets(SOURCE) == [5, 2]
