"""Where a worker goes on with a partition, by what is left of snapshots and log."""

from collections.abc import Callable, Sequence

import pytest

from streamer.errors import SnapshotError, UnusableSnapshot
from streamer.events.record import TopicPartition
from streamer.partition import Partition
from streamer.recovery import LogBounds, Restored, recover
from streamer.settings import Settings, load

SOURCE = TopicPartition("transactions", 0)


class Shelf:
    """Snapshots at some offsets, some of them damaged or of the log "before"."""

    def __init__(
        self, settings: Settings, offsets: Sequence[int], damaged: Sequence[int] = (), before: Sequence[int] = ()
    ) -> None:
        self._settings = settings
        self._offsets = sorted(offsets, reverse=True)
        self._damaged = damaged
        self._before = before

    def offsets(self, source: TopicPartition) -> Sequence[int]:
        return self._offsets

    def load(self, source: TopicPartition, offset: int, *, log_id: str | None) -> Partition:
        if offset in self._damaged:
            raise SnapshotError(f"snapshot {offset} is damaged")
        if offset in self._before and log_id not in {None, "before"}:
            raise UnusableSnapshot(f"snapshot {offset} is of another log")
        return Partition(self._settings, next_offset=offset, log_id=log_id)


class Unlistable(Shelf):
    """A store that is away."""

    def offsets(self, source: TopicPartition) -> Sequence[int]:
        raise SnapshotError("the store is away")


Recover = Callable[..., tuple[Restored, int]]


@pytest.fixture
def recovered() -> Recover:
    def recovered(
        *,
        committed: int | None,
        begin: int = 0,
        end: int = 1_000,
        offsets: Sequence[int] = (),
        damaged: Sequence[int] = (),
        before: Sequence[int] = (),
        log_id: str | None = "now",
        reset: str = "earliest",
        shelf: type[Shelf] = Shelf,
    ) -> tuple[Restored, int]:
        settings = load(None, {"state.look_back_records": "100", "kafka.auto_offset_reset": reset})
        unusable = 0

        def count() -> None:
            nonlocal unusable
            unusable += 1

        shelved = shelf(settings, offsets, damaged, before)
        found = recover(SOURCE, LogBounds(committed, begin, end, log_id), settings, shelved, count)
        return found, unusable

    return recovered


def where(found: Restored) -> tuple[str, int, int]:
    return found.how, found.partition.next_offset, found.partition.published_to


def test_the_newest_snapshot_before_the_committed_offset_is_taken(recovered: Recover) -> None:
    found, unusable = recovered(committed=500, offsets=[300, 480])
    assert where(found) == ("snapshot", 480, 500)
    assert unusable == 0
    assert where(recovered(committed=480, offsets=[300, 480])[0]) == ("snapshot", 480, 480)


@pytest.mark.parametrize(("damaged", "start"), [([480], 300), ([480, 300], 400)])
def test_a_damaged_one_gives_way_to_the_one_before_and_then_to_the_look_back(
    recovered: Recover, damaged: list[int], start: int
) -> None:
    found, unusable = recovered(committed=500, offsets=[300, 480], damaged=damaged)
    assert where(found) == ("snapshot" if start == 300 else "look_back", start, 500)
    assert unusable == len(damaged)


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        ([480], ("snapshot", 300, 500)),
        ([480, 300], ("look_back", 400, 500)),
    ],
)
def test_one_of_a_topic_that_was_made_anew_gives_way_likewise(
    recovered: Recover, before: list[int], wanted: tuple[str, int, int]
) -> None:
    found, unusable = recovered(committed=500, offsets=[300, 480], before=before)
    assert where(found) == wanted
    assert unusable == len(before)
    assert found.partition.log_id == "now"


def test_where_nobody_knows_which_log_it_is_any_snapshot_is_taken(recovered: Recover) -> None:
    found, unusable = recovered(committed=500, offsets=[300, 480], before=[480], log_id=None)
    assert where(found) == ("snapshot", 480, 500)
    assert unusable == 0
    assert found.partition.log_id is None


def test_one_ahead_of_the_committed_offset_is_passed_over(recovered: Recover) -> None:
    found, unusable = recovered(committed=500, offsets=[300, 501, 99_999])
    assert where(found) == ("snapshot", 300, 500)
    assert unusable == 2


def test_one_older_than_the_log_is_better_than_nothing(recovered: Recover) -> None:
    found, _ = recovered(committed=500, begin=450, offsets=[300])
    assert where(found) == ("snapshot_with_gap", 450, 500)


def test_without_snapshots_the_look_back_is_read_again(recovered: Recover) -> None:
    assert where(recovered(committed=500)[0]) == ("look_back", 400, 500)
    assert where(recovered(committed=50)[0]) == ("look_back", 0, 50)
    assert where(recovered(committed=500, begin=470)[0]) == ("look_back", 470, 500)
    assert where(recovered(committed=500, shelf=Unlistable)[0]) == ("look_back", 400, 500)


def test_a_new_group_begins_where_the_settings_say(recovered: Recover) -> None:
    assert where(recovered(committed=None, begin=20)[0]) == ("empty", 20, 20)
    assert where(recovered(committed=None, reset="latest")[0]) == ("look_back", 900, 1_000)


def test_offsets_outside_of_the_log_go_to_where_records_are(recovered: Recover) -> None:
    assert where(recovered(committed=500, begin=600)[0]) == ("empty", 600, 600)
    # Another log: what snapshots tell is of the old one.
    assert where(recovered(committed=5_000, offsets=[300])[0]) == ("empty", 0, 0)
