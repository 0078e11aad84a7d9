"""Faults at random for minutes: nothing lost, nothing twice, memory flat.

Run by `make soak ARGS="--minutes 10 --seed 7"`. Same seed, same payments and same faults in the same
order; what they meet depends on the machine.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from streamer.bundles import open_bundle
from streamer.cli.exits import Exit
from streamer.simulate.config import SimulationConfig
from streamer.simulate.stream import simulate
from tests.conftest import JARS, train_small_bundle
from tests.faults.soak_feed import Feed
from tests.faults.soak_fleet import Fleet
from tests.faults.trial import Trial, with_rubbish
from tests.helpers.listeners import TwoDoors, two_doors
from tests.helpers.oracle import Outcome, differences
from tests.helpers.proxy import FAIR, Weather

STEADY = "steady"
"""Is never ended, so that its memory can be watched; it sleeps, and the weather is the same for all."""
MORTALS = ("one", "two")
PER_SECOND = 300.0
MOST_GROWTH = 1.15
WORLD = SimulationConfig(users=2_000, merchants=300, days=2_000, seed=5)
CHANGES = {
    "worker.max_poll_records": "500",
    "worker.commit_interval_ms": "20",
    "state.users": "500",
    "state.merchants": "200",
    "state.transaction_ids": "5000",
    "snapshots.interval_s": "5",
    "kafka.session_timeout_s": "3",
    "kafka.transaction_timeout_s": "4",
}
# What a worker may end with by itself: the broker was away at its start, or it was expelled again and again.
FORGIVEN = {Exit.TRANSPORT, Exit.FENCED}
FORGIVEN_STEADY = {Exit.FENCED}
STORMS = (Weather(delay_s=0.1), Weather(bytes_per_s=100_000), Weather(swallows=True), Weather(refuses=True))


class Faults:
    """What may happen, at random."""

    def __init__(self, doors: TwoDoors, fleet: Fleet, folder: Path, rng: np.random.Generator) -> None:
        """Know whom to harm."""
        self._doors = doors
        self._fleet = fleet
        self._folder = folder
        self._rng = rng
        self.counts: Counter[str] = Counter()
        self._kinds: tuple[tuple[float, Callable[[], None]], ...] = (
            (5, self.kill),
            (3, self.stop),
            (3, self.pause),
            (3, self.cut),
            (3, self.storm),
            (2, self.damage_snapshots),
            (1, self.crash_broker),
            (1, self.restart_broker),
        )

    def one(self) -> None:
        """Let one of them happen."""
        weights = np.array([weight for weight, _ in self._kinds])
        _, fault = self._kinds[self._rng.choice(len(self._kinds), p=weights / weights.sum())]
        self.counts[fault.__name__] += 1
        fault()

    def kill(self) -> None:
        self._fleet.kill(self._mortal())

    def stop(self) -> None:
        self._fleet.stop(self._mortal())

    def pause(self) -> None:
        names = (STEADY, *MORTALS)
        self._fleet.pause(names[self._rng.integers(len(names))], float(self._rng.uniform(1.0, 7.0)))

    def cut(self) -> None:
        self._doors.proxy.cut()

    def storm(self) -> None:
        proxy = self._doors.proxy
        proxy.weather = STORMS[self._rng.integers(len(STORMS))]
        time.sleep(float(self._rng.uniform(1.0, 4.0)))
        proxy.weather = FAIR
        proxy.cut()

    def damage_snapshots(self) -> None:
        for snapshot in self._folder.rglob("*.snapshot"):
            data = bytearray(snapshot.read_bytes())
            data[self._rng.integers(len(data))] ^= 1
            snapshot.write_bytes(data)
        self._fleet.kill(self._mortal())

    def crash_broker(self) -> None:
        self._doors.broker.kill()
        time.sleep(1.0)
        self._doors.broker.start()

    def restart_broker(self) -> None:
        self._doors.broker.restart()

    def _mortal(self) -> str:
        return MORTALS[self._rng.integers(len(MORTALS))]


def soak(minutes: float, seed: int, folder: Path) -> list[str]:
    """Run it; print what happened and return what went wrong."""
    rng = np.random.default_rng(seed)
    bundle = train_small_bundle(folder)
    with (
        two_doors(folder / "broker", JARS) as doors,
        Trial(
            doors.straight,
            bundle,
            open_bundle(bundle),
            folder,
            partitions=6,
            changes=CHANGES,
            workers_bootstrap=doors.through_proxy,
        ) as trial,
    ):
        fleet = Fleet(trial, (STEADY, *MORTALS), {})
        faults = Faults(doors, fleet, folder / "snapshots", rng)
        payments = with_rubbish(simulate(WORLD, range(WORLD.days)), np.random.default_rng(seed))
        # Who finds no broker at its very start says so and ends; the steady one must not.
        trial.wait("the steady worker is ready", trial.workers[0].ready)
        began = time.monotonic()
        with Feed(doors.straight, trial.topics.transactions, payments, per_second=PER_SECOND) as feed:
            while time.monotonic() - began < 60 * minutes:
                faults.one()
                _pass(fleet, began, float(rng.uniform(1.0, 5.0)))
        trial.produced = feed.sent
        calm = time.monotonic()
        while trial.committed() < feed.sent and time.monotonic() - calm < 180.0:
            _pass(fleet, began, 1.0)
        memory = max(fleet.places[STEADY].lives, key=len)
        codes = fleet.end()
        wanted, found = trial.expected(), trial.written()
        print(f"faults    {sum(faults.counts.values())}: {dict(faults.counts)}")
        print(f"restarts  {fleet.restarts}; ended by themselves {_exits(fleet)}")
        return [
            *_check_ends(fleet, codes),
            *_check_outputs(feed.sent, trial.committed(), wanted, found),
            *_check_memory(memory, time.monotonic() - began),
        ]


def _pass(fleet: Fleet, began: float, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        fleet.watch(time.monotonic() - began)
        time.sleep(0.5)


def _exits(fleet: Fleet) -> dict[str, dict[int, int]]:
    return {name: dict(place.exits) for name, place in fleet.places.items()}


def _check_ends(fleet: Fleet, codes: Sequence[int]) -> list[str]:
    faults = [
        f"worker {name!r} ended by itself with {sorted(wrong)}"
        for name, place in fleet.places.items()
        if (wrong := place.exits.keys() - (FORGIVEN_STEADY if name == STEADY else FORGIVEN))
    ]
    return [*faults, f"orderly ends gave {codes}"] if any(codes) else faults


def _check_outputs(sent: int, committed: int, wanted: Outcome, found: Outcome) -> list[str]:
    print(f"records   {sent}, committed {committed}")
    faults = [] if committed == sent else [f"{sent - committed} records were never committed"]
    for kind in ("scores", "alerts", "dead_letters"):
        ours, theirs = getattr(wanted, kind), getattr(found, kind)
        places = {(each.source, each.offset) for each in theirs}
        gaps = len({(each.source, each.offset) for each in ours} - places)
        repeats = len(theirs) - len(places)
        print(f"{kind:12} {len(ours)} expected, {len(theirs)} written, duplicates {repeats}, gaps {gaps}")
        faults += [f"{kind}: {fault}" for fault in differences(ours, theirs)]
    return faults


def _check_memory(memory: Sequence[tuple[float, float]], whole_s: float) -> list[str]:
    """Compare the second half of the steady worker's life with the first, without its beginning."""
    begun, ended = memory[0][0], memory[-1][0]
    middle = (begun + ended) / 2
    first = [rss for at, rss in memory if begun + 0.2 * (ended - begun) <= at < middle]
    second = [rss for at, rss in memory if at >= middle]
    print(
        f"memory    steady worker, {ended - begun:.0f} of {whole_s:.0f} s: first {memory[0][1]:.0f} MiB, "
        f"first half at most {max(first):.0f}, second half at most {max(second):.0f}, last {memory[-1][1]:.0f}"
    )
    return [] if max(second) <= MOST_GROWTH * max(first) else ["memory grows"]


def main() -> int:
    """Soak as the command line says; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long faults go on")
    parser.add_argument("--seed", type=int, default=7, help="chooses payments and faults")
    parser.add_argument("--keep", type=Path, help="folder for logs and data, kept afterwards")
    chosen = parser.parse_args()
    if chosen.keep is not None:
        chosen.keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="soak-") as scratch:
        wrong = soak(chosen.minutes, chosen.seed, (chosen.keep or Path(scratch)).resolve())
    for fault in wrong:
        print(f"WRONG: {fault}")
    print("failed" if wrong else "passed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
