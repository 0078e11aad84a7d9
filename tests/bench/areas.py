"""What is measured, area by area, in the order of the table."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import (
    backlog,
    crowds,
    empty_transactions,
    in_memory,
    latency,
    long_windows,
    memory,
    parts,
    past,
    quix,
    scale_out,
    scoring,
    skew,
    snapshots,
    startup,
)
from tests.bench.live import Load
from tests.bench.timing import Absence, Measurement
from tests.bench.workload import TRAINING_EVENTS, Workload

WORKER = "whole worker, exactly once"
RATE = 2_000
FRACTION = 5
"""Latency is measured at so many events a second, and at this fraction of the measured maximum."""

_HELD_USERS, _HELD_MERCHANTS = 100_000, 10_000


@dataclass(frozen=True, slots=True)
class Options:
    """How much is measured.

    Attributes:
        repeat: repetitions that count; one more goes before them.
        events: of the backlog.
        slice_s: seconds of each repetition of latency.
        partitions: full ones that are restored; of as many users the memory is measured.
        crowds: numbers of users among which an event is measured.
        seldom: repetitions of what takes long.
        peer_events: what a slow peer reads of the backlog.
        training_events: before the backlog; less makes alerts oftener.
        areas: what is measured unless others are asked for.
    """

    repeat: int
    events: int
    slice_s: float
    partitions: int
    crowds: tuple[int, int]
    seldom: int
    peer_events: int
    training_events: int
    areas: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bench:
    """What areas work with, and what was measured so far.

    Attributes:
        workload: records and bundle.
        options: how much is measured.
        bootstrap: a broker of this run's own.
        folder: for files.
        results: of the areas before.
        absences: what could not be measured.
    """

    workload: Workload
    options: Options
    bootstrap: str
    folder: Path
    results: list[Measurement] = field(default_factory=list)
    absences: list[Absence] = field(default_factory=list)

    def rate_of(self, what: str) -> float | None:
        """Return the median of a figure that was measured before; None where it was not."""
        return next((each.median for each in self.results if each.what == what), None)


def _load(bench: Bench, rate: float) -> Load:
    return Load.of(bench.workload.records, rate, bench.options.repeat, bench.options.slice_s)


def _parts(bench: Bench) -> Iterator[Measurement]:
    times = bench.options.repeat
    yield parts.decoding(bench.workload, times)
    yield parts.keeping_state(bench.workload, times)
    yield in_memory.alerting(bench.workload, times)
    yield from scoring.scoring(bench.workload, times)
    yield from in_memory.judging(bench.workload, times)


def _backlog(bench: Bench) -> Iterator[Measurement]:
    yield from backlog.reading(bench.workload, bench.bootstrap, bench.options.repeat)


def _peers(bench: Bench) -> Iterator[Measurement]:
    options = bench.options
    fastest = bench.rate_of(WORKER)
    for what in quix.VARIANTS:
        try:
            peer = quix.reading(
                what, bench.workload, bench.bootstrap, bench.folder, events=options.peer_events, times=options.seldom
            )
        except quix.Unavailable as error:
            bench.absences.append(Absence("peers", what, str(error)))
            return
        yield peer
        if fastest is not None:
            yield Measurement("peers", f"{WORKER} ÷ {what}", "times", tuple(fastest / each for each in peer.values))


def _latency(bench: Bench) -> Iterator[Measurement]:
    yield from empty_transactions.committing(bench.bootstrap)
    yield from latency.waiting(bench.workload, bench.bootstrap, _load(bench, RATE), bench.folder)
    fastest = bench.rate_of(WORKER)
    if fastest is not None:
        yield from latency.waiting(bench.workload, bench.bootstrap, _load(bench, fastest / FRACTION), bench.folder)


def _skew(bench: Bench) -> Iterator[Measurement]:
    yield from skew.waiting(bench.workload, bench.bootstrap, _load(bench, RATE), bench.folder)


def _users(bench: Bench) -> Iterator[Measurement]:
    yield from crowds.crowding(bench.workload, bench.options.crowds, bench.options.repeat)
    yield from long_windows.lengthening(bench.options.repeat)


def _scale(bench: Bench) -> Iterator[Measurement]:
    yield from scale_out.scaling(bench.workload, bench.bootstrap, bench.folder, bench.options.seldom)


def _start(bench: Bench) -> Iterator[Measurement]:
    yield from startup.starting(bench.workload, bench.bootstrap, bench.folder, bench.options.seldom)


def _snapshots(bench: Bench) -> Iterator[Measurement]:
    yield from snapshots.keeping(bench.options.partitions, bench.options.seldom)


def _past(bench: Bench) -> Iterator[Measurement]:
    options = bench.options
    path = bench.folder / "past.parquet"
    past.write(path, training_events=options.training_events, events=options.events)
    replayed = past.replaying(bench.workload, path, options.seldom)
    yield replayed
    fastest = bench.rate_of(WORKER)
    if fastest is not None:
        what = f"{past.REPLAY} ÷ {WORKER}"
        yield Measurement(replayed.area, what, "times", tuple(each / fastest for each in replayed.values))
    yield from past.learning(path, options.seldom)


def _memory(bench: Bench) -> Iterator[Measurement]:
    yield memory.rows()
    yield from memory.holding(_HELD_USERS, _HELD_MERCHANTS, bench.options.seldom)
    full = bench.options.partitions
    if full > 1:
        yield from memory.holding(full * _HELD_USERS, full * _HELD_MERCHANTS, times=1)


AREAS: dict[str, Callable[[Bench], Iterator[Measurement]]] = {
    "backlog": _backlog,
    "peers": _peers,
    "parts": _parts,
    "latency": _latency,
    "skew": _skew,
    "users": _users,
    "scale": _scale,
    "start": _start,
    "snapshots": _snapshots,
    "past": _past,
    "memory": _memory,
}
"""By name; the bare client comes first, as everything is compared with it."""

FULL = Options(
    repeat=5,
    events=200_000,
    slice_s=10,
    partitions=10,
    crowds=(10_000, 1_000_000),
    seldom=3,
    peer_events=5_000,
    training_events=TRAINING_EVENTS,
    areas=tuple(AREAS),
)
QUICK = Options(
    repeat=3,
    events=20_000,
    slice_s=2,
    partitions=1,
    crowds=(10_000, 100_000),
    seldom=1,
    peer_events=1_000,
    training_events=20_000,
    areas=("backlog", "peers", "parts", "latency", "users", "memory"),
)
