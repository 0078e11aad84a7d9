"""Snapshots in memory, for tests."""

from io import BytesIO

from streamer.events.record import TopicPartition
from streamer.settings import StateSettings
from streamer.state import snapshot
from streamer.state.image import Image
from streamer.state.partition import PartitionState
from streamer.state.snapshot import Label

SOURCE = TopicPartition("payments", 3)
LOG_ID = "the-only-log"
LIMITS = StateSettings(users=4, merchants=9, transaction_ids=40)


def empty_state(limits: StateSettings = LIMITS) -> PartitionState:
    return PartitionState(limits, late_after_ms=60_000)


def written(image: Image, *, slice_bytes: int = 1 << 20, next_offset: int = 7, extra: bytes = b"extra") -> bytes:
    """Return an image as a file, all of it taken now."""
    stream = BytesIO()
    label = Label(SOURCE, LOG_ID, next_offset, created_at=1_700_000_000_000)
    snapshot.write(stream, label, image.head, image.slices(slice_bytes), extra)
    return stream.getvalue()


def bits(state: PartitionState) -> bytes:
    """Return all of a state, so that two states can be compared."""
    return written(state.begin_image())


def read(
    data: bytes, limits: StateSettings = LIMITS, *, log_id: str | None = LOG_ID
) -> tuple[PartitionState, snapshot.Saved]:
    state = empty_state(limits)
    saved = snapshot.read(BytesIO(data), "here", SOURCE, state, log_id=log_id)
    return state, saved
