"""Compiles the state kernel into numba's cache while an image is built."""

from streamer.events.decode import decode
from streamer.events.record import Record
from streamer.settings import EventSettings, StateSettings
from streamer.state.partition import PartitionState

VALUE = b'{"transaction_id": "t", "user_id": "u", "amount": 1, "timestamp": 1700000000000}'


def warm() -> int:
    """Judge one payment of nobody; return how many events went through the kernel."""
    record = Record("warm", 0, 0, None, VALUE, timestamp=1_700_000_000_000)
    batch, _ = decode([record], EventSettings())
    state = PartitionState(StateSettings(users=1, merchants=1, transaction_ids=1), late_after_ms=0)
    return len(state.advance(batch).batch)


if __name__ == "__main__":
    warm()
