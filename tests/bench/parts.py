"""Each step of the pipeline by itself, in memory: decode, state, scoring."""

from streamer.events.decode import decode
from streamer.settings import Settings
from streamer.state.partition import PartitionState
from tests.bench.timing import US_PER_EVENT, Measurement, repeat, us_per_unit
from tests.bench.workload import WORLD, Workload


def decoding(workload: Workload, times: int) -> Measurement:
    """Bytes to columns."""
    settings = Settings().events

    def run() -> int:
        return sum(len(decode(batch, settings)[0]) for batch in workload.batches)

    return Measurement("parts", "decode", US_PER_EVENT, repeat(times, lambda: us_per_unit(run)))


def keeping_state(workload: Workload, times: int) -> Measurement:
    """Columns to windows, from empty partitions on."""
    events = [decode(batch, Settings().events)[0] for batch in workload.batches]

    def run() -> int:
        states = {batch.records[0].partition: new_state() for batch in events}
        return sum(len(states[batch.records[0].partition].advance(batch).batch) for batch in events)

    return Measurement("parts", f"state, {WORLD.users:,} users", US_PER_EVENT, repeat(times, lambda: us_per_unit(run)))


def new_state() -> PartitionState:
    settings = Settings()
    return PartitionState(settings.state, late_after_ms=round(settings.events.late_after_s * 1000))
