"""What all areas work on: simulated payments as records, and a bundle trained on those before."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from detectors.bundle import Bundle
from detectors.training.fit import TrainingConfig
from streamer.bundles import open_bundle
from streamer.events.record import Record
from streamer.history import collect
from streamer.settings import Settings
from streamer.simulate.config import SimulationConfig
from streamer.simulate.event import SimulatedEvent, encode
from streamer.simulate.stream import simulate
from streamer.training import NewBundle, train_bundle
from streamer.transport.partitioner import partition_for

WORLD = SimulationConfig(users=2_000, merchants=500, days=365, seed=11)
PARTITIONS = 4
BATCH = Settings().worker.max_poll_records
TRAINING_EVENTS = 60_000
"""Two weeks: a bundle calibrated on less takes longer histories for odd and raises alerts all the time."""


@dataclass(frozen=True, slots=True)
class Workload:
    """The material of one run.

    Attributes:
        records: in the order in which they are produced, placed as Kafka places them.
        batches: the same records as polls give them: one partition each, full batches.
        bundle: trained on the events before these.
        folder: where the bundle lies.
    """

    records: Sequence[Record]
    batches: Sequence[Sequence[Record]]
    bundle: Bundle
    folder: Path

    @classmethod
    def make(cls, events: int, folder: Path, *, training_events: int = TRAINING_EVENTS) -> "Workload":
        """Simulate and train; the bundle is written to a folder that must not exist."""
        records = list(_records(islice(simulate(WORLD), training_events + events)))
        past, present = records[:training_events], records[training_events:]
        history = collect(_Memory(past), Settings(), newest=training_events, progress=lambda _: None)
        new = NewBundle(folder, "bench", "1", created_at=WORLD.start)
        # Longer training would change the weights, not the time that they take.
        train_bundle(history, new, TrainingConfig(seed=1, epochs=1), lambda _: None)
        return cls(present, list(_batches(present, BATCH)), open_bundle(folder), folder)


class _Memory:
    """Records as a `Source`."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._batches = _batches(records, BATCH)

    def poll(self, *, timeout_s: float, max_records: int) -> list[Record]:
        return next(self._batches, [])


def _records(events: Iterable[SimulatedEvent]) -> Iterator[Record]:
    offsets: defaultdict[int, int] = defaultdict(int)
    for event in events:
        key = str(event.transaction.user_id).encode()
        partition = partition_for(key, PARTITIONS)
        time = int(event.transaction.timestamp)
        yield Record("memory", partition, offsets[partition], key, encode(event.transaction), timestamp=time)
        offsets[partition] += 1


def _batches(records: Sequence[Record], size: int) -> Iterator[list[Record]]:
    """Yield batches of one partition each, the partitions by turns."""
    places = [[record for record in records if record.partition == number] for number in range(PARTITIONS)]
    for start in range(0, max(map(len, places)), size):
        for place in places:
            if start < len(place):
                yield place[start : start + size]
