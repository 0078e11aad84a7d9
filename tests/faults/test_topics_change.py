"""The input topic changes under the worker: records deleted, partitions added."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping

import kafka

from streamer.events.record import Record
from tests.faults.trial import Trial, payments
from tests.helpers.oracle import Entry, Outcome

SLOW = {"worker.max_poll_records": "10"}


def delete_before(trial: Trial, begins: Mapping[int, int]) -> None:
    """Delete the records before these offsets, as retention does."""
    topic = trial.topics.transactions
    trial.admin.delete_records({kafka.TopicPartition(topic, number): begin for number, begin in begins.items()})


def where(outcome: Outcome, wanted: Callable[[Entry], bool]) -> Outcome:
    """Select outputs."""
    kinds = (outcome.scores, outcome.alerts, outcome.dead_letters)
    return Outcome(*(tuple(each for each in kind if wanted(each)) for kind in kinds))


def joined(first: Outcome, second: Outcome) -> Outcome:
    """Put outputs together."""
    return Outcome(first.scores + second.scores, first.alerts + second.alerts, first.dead_letters + second.dead_letters)


def from_on(records: list[Record], begins: Mapping[int, int]) -> list[Record]:
    """Select the records that are not before these offsets."""
    return [each for each in records if each.offset >= begins[each.partition]]


def test_a_partition_is_added_under_load(trial: Trial) -> None:
    trial.feed(payments(3_000))
    running = trial.start("worker", changes={**SLOW, "kafka.metadata_max_age_s": "1"})
    trial.wait("some is committed", lambda: trial.committed() > 0)
    trial.admin.create_partitions({trial.topics.transactions: 4})
    assert trial.committed() < trial.produced
    # A producer that knows the new partition sends some users there.
    trial.feed(payments(4_000)[3_000:])
    trial.finish(running)
    wanted = trial.check()
    assert {each.source.partition for each in wanted.scores} == {0, 1, 2, 3}


def test_the_look_back_is_gone_and_there_is_no_snapshot(trial: Trial) -> None:
    """The state is what the rest of the log tells, as if the log had begun there."""
    trial.feed(payments(1_200))
    trial.finish(trial.start("worker", changes={"snapshots.url": str(trial.folder / "elsewhere")}))
    stored, whole = trial.offsets(), trial.records()
    begins = {number: offset // 2 for number, offset in stored.items()}
    delete_before(trial, begins)
    trial.feed(payments(1_800)[1_200:])
    trial.finish(trial.start("worker"))
    goes_on = trial.said("partition goes on")[-3:]
    assert {line["how"] for line in goes_on} == {"look_back"}
    assert sorted(str(line["reads_from"]) for line in goes_on) == sorted(map(str, begins.values()))

    before = where(trial.expected(whole), lambda each: each.offset < stored[each.source.partition])
    after = where(trial.expected(), lambda each: each.offset >= stored[each.source.partition])
    trial.check(joined(before, after))


def test_the_look_back_is_gone_but_snapshots_know_it(trial: Trial) -> None:
    trial.feed(payments(1_200))
    trial.finish(trial.start("worker"))
    stored, whole = trial.offsets(), trial.records()
    delete_before(trial, stored)
    trial.feed(payments(1_800)[1_200:])
    trial.finish(trial.start("worker"))
    assert {line["how"] for line in trial.said("partition goes on")[-3:]} == {"snapshot"}
    trial.check(trial.expected(whole + trial.records()))


def test_records_are_deleted_before_the_group_read_them(trial: Trial) -> None:
    """What was never seen is missing, and is said to be; everything else is as if it had never been sent."""
    trial.feed(payments(1_200))
    trial.finish(trial.start("worker"))
    seen, read = trial.offsets(), trial.records()
    trial.feed(payments(1_700)[1_200:])
    ends = {number: offset + 1 for number, offset in seen.items()}
    for each in trial.records():
        ends[each.partition] = max(ends[each.partition], each.offset + 1)
    delete_before(trial, ends)
    trial.feed(payments(2_300)[1_700:])
    trial.finish(trial.start("worker"))
    lost = trial.said("records were deleted before this group read them")
    assert sum(int(str(line["records"])) for line in lost) == 500
    assert {line["how"] for line in trial.said("partition goes on")[-3:]} == {"snapshot_with_gap"}
    trial.check(trial.expected(read + from_on(trial.records(), ends)))


def test_records_are_deleted_under_a_worker_that_had_not_read_them(trial: Trial) -> None:
    """The worker says so, starts anew and goes on with what is left, once."""
    trial.feed(payments(1_200))
    running = trial.start("worker")
    trial.wait("all is committed", trial.done)
    seen, read = trial.offsets(), trial.records()
    running.process.send_signal(signal.SIGSTOP)
    time.sleep(0.5)  # no fetch of before is answered any more
    trial.feed(payments(1_700)[1_200:])
    ends = dict(seen)
    for each in trial.records():
        ends[each.partition] = max(ends[each.partition], each.offset + 1)
    delete_before(trial, ends)
    trial.feed(payments(2_300)[1_700:])
    running.process.send_signal(signal.SIGCONT)
    trial.finish(running)
    lost = trial.said("records were deleted before this group read them")
    assert sum(int(str(line["records"])) for line in lost) == 500
    wanted = trial.expected(read + from_on(trial.records(), ends))
    # What the deleted ones told of users is missing, so the windows may differ; no payment may.
    assert Counter(map(where_from, trial.written().scores)) == Counter(map(where_from, wanted.scores))


def where_from(entry: Entry) -> tuple[int, int]:
    """Return the position of the record behind an output."""
    return entry.source.partition, entry.offset
