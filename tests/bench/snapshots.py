"""How long snapshots hold the loop up, what they weigh, and how soon they are back.

Run as a module, it prints the figures of one measurement as JSON.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from streamer.clock import SystemClock
from streamer.events.record import TopicPartition
from streamer.logs import configure
from streamer.metrics import Metrics, new_registry
from streamer.partition import Partition
from streamer.settings import LogSettings, Settings, load
from streamer.snapshots import Snapshots
from tests.bench.many_users import Crowd
from tests.bench.timing import Measurement

USERS = Settings().state.users
"""Of a full partition, by default."""

_ROOT = Path(__file__).parents[2]
_LOAD_EVENTS = 400_000
_BETWEEN_S = 0.01
"""A worker waits for the broker about so long in each turn; the writing thread uses that time too."""


class FullPartition:
    """A partition that holds all the users it may, and what keeps snapshots of it."""

    def __init__(self, folder: Path, *, interval_s: float) -> None:
        settings = load(None, {"snapshots.url": str(folder), "snapshots.interval_s": str(interval_s)})
        self.registry = new_registry()
        self.snapshots = Snapshots(settings, metrics=Metrics(self.registry), clock=SystemClock())
        self.crowd = Crowd(USERS)
        self.partition = Partition(settings, next_offset=USERS)
        self.partition.state = self.crowd.state

    def sample(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"streamer_snapshot{name}", labels) or 0.0


def keeping(partitions: int, times: int) -> Iterator[Measurement]:
    """Take snapshots of a full partition under load, and read so many back."""
    users = f"{USERS:,} users"
    paused = [_measure("pause") for _ in range(times)]
    for figure, what in (("median", "median pause"), ("longest", "longest pause")):
        yield Measurement("snapshots", f"{what}, {users}", "ms", tuple(each[figure] for each in paused))
    yield Measurement("snapshots", f"begun to stored, {users}", "s", tuple(each["seconds"] for each in paused))
    yield Measurement("snapshots", f"size, {users}", "MB", tuple(each["megabytes"] for each in paused))
    restored = [_measure("restore", partitions)["seconds"] for _ in range(times)]
    what = f"restore, {partitions} × {users}"
    yield Measurement("snapshots", what, "s", tuple(restored))


def pause(folder: Path) -> dict[str, float]:
    """Let payments come while snapshots are taken one after the other, more often than in use."""
    full = FullPartition(folder, interval_s=0.001)
    source = TopicPartition("bench", 0)
    pauses = []
    for batch in full.crowd.payments(_LOAD_EVENTS):
        full.partition.state.advance(batch)
        full.partition.next_offset += len(batch)
        begin = time.perf_counter()
        full.snapshots.turn({source: full.partition})
        pauses.append((time.perf_counter() - begin) * 1e3)
        time.sleep(_BETWEEN_S)
    full.snapshots.close()
    return {
        "median": median(pauses),
        "longest": max(pauses),
        "seconds": full.sample("_seconds_sum") / full.sample("_seconds_count"),
        "megabytes": full.sample("_bytes", topic="bench", partition="0") / 1e6,
    }


def restore(folder: Path, partitions: int) -> dict[str, float]:
    """Store a partition under several names and read all of them back."""
    full = FullPartition(folder, interval_s=1e6)
    sources = [TopicPartition("bench", number) for number in range(partitions)]
    for source in sources:
        full.snapshots.hand_over(source, full.partition)
    begin = time.perf_counter()
    held = [full.snapshots.load(source, USERS, log_id=None) for source in sources]
    seconds = time.perf_counter() - begin
    full.snapshots.close()
    if sum(each.state.users for each in held) != partitions * USERS:
        raise RuntimeError("not all users came back")
    return {"seconds": seconds}


def _measure(what: str, partitions: int = 1) -> dict[str, float]:
    """Measure in a process of its own: memory that was used before is quicker to use again."""
    command = [sys.executable, "-m", "tests.bench.snapshots", what, str(partitions)]
    ended = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, check=True, text=True)
    figures: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return figures


def main() -> None:
    configure(LogSettings(level="error"))
    what, partitions = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as name:
        figures = pause(Path(name)) if what == "pause" else restore(Path(name), partitions)
    sys.stdout.write(f"\n{json.dumps(figures)}\n")


if __name__ == "__main__":
    main()
