"""Where a worker goes on with a partition: from a snapshot, from further back, or from nothing.

State is a function of the log, so whatever is chosen, records up to the committed offset are
read again and judged silently. The choices, best first: the newest sound snapshot at or before
the committed offset; the look-back; nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import structlog

from streamer.errors import SnapshotError
from streamer.events.record import TopicPartition
from streamer.partition import Partition
from streamer.settings import Settings

log = structlog.get_logger()

How = Literal["snapshot", "snapshot_with_gap", "look_back", "empty"]


@dataclass(frozen=True, slots=True)
class LogBounds:
    """What the broker says of one partition.

    Attributes:
        committed: the group's offset of the next record; None where it has none.
        begin: the oldest record's offset.
        end: the offset the next record will get.
        log_id: identity of the log, which is another once the topic was made anew; None where unknown.
    """

    committed: int | None
    begin: int
    end: int
    log_id: str | None


@dataclass(frozen=True, slots=True)
class Restored:
    """A partition to go on with.

    Attributes:
        partition: what is known of it; `next_offset` is where reading goes on, `published_to` where
            the outputs go on.
        how: what it was made of.
    """

    partition: Partition
    how: How


class SnapshotSource(Protocol):
    """Finds and reads snapshots."""

    def offsets(self, source: TopicPartition) -> Sequence[int]:
        """List the offsets of a partition's snapshots, newest first.

        Raises:
            SnapshotError: the store cannot be read, or not in time.
        """
        ...

    def load(self, source: TopicPartition, offset: int, *, log_id: str | None) -> Partition:
        """Read one of a log, whose id may be unknown.

        Raises:
            SnapshotError: it is damaged, of another log, does not fit, or cannot be read in time.
        """
        ...


def recover(
    source: TopicPartition,
    bounds: LogBounds,
    settings: Settings,
    snapshots: SnapshotSource | None,
    unusable: Callable[[], None],
) -> Restored:
    """Choose what to go on with, and say so in one log line.

    Args:
        source: the partition.
        bounds: what the broker says of it.
        settings: all settings.
        snapshots: where snapshots are; None where none are kept.
        unusable: called for each snapshot that is damaged or does not fit.
    """
    name = f"{source.topic}/{source.partition}"
    target = _target(name, bounds, settings)
    is_another_log = bounds.committed is not None and bounds.committed > bounds.end
    found = None
    if snapshots is not None and not is_another_log:
        found = _newest_sound(source, target, bounds.log_id, snapshots, unusable)
    if found is None:
        start = max(bounds.begin, target - settings.state.look_back_records)
        partition = Partition(settings, next_offset=start, published_to=target, log_id=bounds.log_id)
        how: How = "look_back" if start < target else "empty"
    else:
        partition = found
        partition.published_to = target
        how = "snapshot"
        if partition.next_offset < bounds.begin:
            how = "snapshot_with_gap"
            log.warning(
                "records between snapshot and log were deleted: what they told of users is missing",
                partition=name,
                snapshot=partition.next_offset,
                log_begins=bounds.begin,
                remedy="let topics keep records longer than snapshots.interval_s and outages last",
            )
            partition.next_offset = bounds.begin
    log.info(
        "partition goes on",
        partition=name,
        how=how,
        reads_from=partition.next_offset,
        publishes_from=target,
        users=partition.state.users,
    )
    return Restored(partition, how)


def _target(name: str, bounds: LogBounds, settings: Settings) -> int:
    """Return the offset from which on outputs are published."""
    fresh = bounds.begin if settings.kafka.auto_offset_reset == "earliest" else bounds.end
    if bounds.committed is None:
        return fresh
    if bounds.committed < bounds.begin:
        log.error(
            "records were deleted before this group read them",
            partition=name,
            records=bounds.begin - bounds.committed,
            remedy="let the topic keep records longer than outages last",
        )
        return bounds.begin
    if bounds.committed > bounds.end:
        log.error(
            "the committed offset is beyond the log's end: the topic was made anew, or the end of its log was lost",
            partition=name,
            committed=bounds.committed,
            log_ends=bounds.end,
            goes_on_at=fresh,
            consequence=(
                "all that the log holds now is judged and published: what was published of it before comes "
                "again, alerts with the ids they had"
                if settings.kafka.auto_offset_reset == "earliest"
                else f"nothing comes twice, but the {bounds.end - bounds.begin} records there now give no outputs"
            ),
        )
        return fresh
    return bounds.committed


def _newest_sound(
    source: TopicPartition,
    target: int,
    log_id: str | None,
    snapshots: SnapshotSource,
    unusable: Callable[[], None],
) -> Partition | None:
    try:
        offsets = snapshots.offsets(source)
    except SnapshotError as error:
        log.warning("snapshots cannot be listed; reading the log instead", cause=str(error))
        unusable()
        return None
    for offset in offsets:
        if offset > target:
            log.warning(
                "snapshot is ahead of the committed offset; trying an older one",
                partition=f"{source.topic}/{source.partition}",
                snapshot=offset,
                committed=target,
            )
            unusable()
            continue
        try:
            return snapshots.load(source, offset, log_id=log_id)
        except SnapshotError as error:
            log.warning("snapshot cannot be used; trying an older one", cause=str(error))
            unusable()
    return None
