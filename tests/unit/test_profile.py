"""Where the loop's time went: stages add up to it, idleness is told from work, and people can read it."""

from io import StringIO

import pytest
from prometheus_client import CollectorRegistry
from rich.console import Console
from rich.table import Table
from structlog.testing import capture_logs

from streamer.clock import ManualClock
from streamer.metrics import STAGES, Metrics
from streamer.profile import Profile, Spent, profiled, table
from tests.helpers.worker import eventually


class Workload:
    """A loop on clocks of its own."""

    def __init__(self) -> None:
        self.wall, self.processor = ManualClock(), ManualClock()
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry, self.wall.monotonic, self.processor.monotonic)

    def wait(self, seconds: float) -> None:
        self.wall.advance(seconds)

    def work(self, seconds: float) -> None:
        self.wall.advance(seconds)
        self.processor.advance(seconds)

    def turn(self) -> None:
        with self.metrics.stage("rest"):
            self.work(0.5)
            with self.metrics.stage("poll"):
                self.wait(2.0)
                self.work(1.0)
                with self.metrics.stage("restore"):
                    self.work(4.0)
            with self.metrics.stage("score"):
                self.work(2.0)
            self.metrics.batch(100)

    def told(self, stage: str) -> float | None:
        return self.registry.get_sample_value("streamer_stage_seconds_sum", {"stage": stage})


@pytest.fixture
def load() -> Workload:
    return Workload()


def test_every_moment_belongs_to_one_stage(load: Workload) -> None:
    load.turn()
    told = {stage: load.told(stage) for stage in STAGES}
    wanted = {"rest": 0.5, "poll": 1.0, "idle": 2.0, "restore": 4.0, "score": 2.0}
    assert told == {stage: wanted.get(stage, 0.0) for stage in STAGES}
    assert sum(wanted.values()) == load.wall.monotonic()


def test_a_stage_within_a_waiting_poll_is_no_idleness(load: Workload) -> None:
    with load.metrics.stage("poll"), load.metrics.stage("restore"):
        load.wait(3.0)  # for the store of snapshots
    assert (load.told("idle"), load.told("restore")) == (0.0, 3.0)


def test_work_of_other_threads_during_a_poll_is_no_idleness(load: Workload) -> None:
    with load.metrics.stage("poll"):
        load.wall.advance(1.0)
        load.processor.advance(1.7)
    assert (load.told("idle"), load.told("poll")) == (0.0, 1.0)


def test_a_stage_that_fails_leaves_the_others_right(load: Workload) -> None:
    def fail() -> None:
        with load.metrics.stage("rest"), load.metrics.stage("decode"):
            load.work(1.0)
            raise ValueError("lost")

    with pytest.raises(ValueError, match="lost"):
        fail()
    load.turn()
    assert (load.told("decode"), load.told("rest")) == (1.0, 0.5)


def test_laps_tell_what_is_new_and_the_whole_tells_all_since_the_beginning(load: Workload) -> None:
    load.turn()
    profile = Profile(load.metrics.times)
    assert profile.lap().total == 0.0
    load.turn()
    assert profile.lap() == profile.whole()
    load.turn()
    assert profile.lap().records == 100
    whole = profile.whole()
    assert (whole.total, whole.records) == (19.0, 200)
    assert whole.share("restore") == pytest.approx(8 / 19)
    assert whole.us_per_record("score") == pytest.approx(20_000)


def test_shares_of_nothing_are_zero() -> None:
    spent = Spent(dict.fromkeys(STAGES, 0.0), 0)
    assert (spent.share("poll"), spent.us_per_record("poll")) == (0.0, 0.0)


def test_the_table_names_every_stage_the_longest_first(load: Workload) -> None:
    load.turn()
    console = Console(width=100, file=StringIO())
    with console.capture() as captured:
        console.print(table(Spent(load.metrics.times.seconds, load.metrics.times.records)))
    text = captured.get()
    assert all(stage in text for stage in STAGES)
    assert text.index("restore") < text.index("idle") < text.index("decode")
    assert "42.1%" in text


def test_lines_come_while_the_block_runs_and_the_table_at_its_end(load: Workload) -> None:
    shown: list[Table] = []
    with capture_logs() as lines, profiled(load.metrics.times, shown.append, every_s=0.01):
        load.turn()
        eventually("a line tells of the turn", lambda: any(line["records"] for line in lines))
        assert not shown
    line = next(each for each in lines if each["records"])
    assert (line["event"], line["seconds"], line["records"], line["records_per_s"]) == ("profile", 9.5, 100, 11)
    assert {stage: line[stage] for stage in STAGES if line[stage]} == {
        "rest": 0.053,
        "poll": 0.105,
        "idle": 0.211,
        "restore": 0.421,
        "score": 0.211,
    }
    assert len(shown) == 1
