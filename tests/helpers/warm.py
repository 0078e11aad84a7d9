"""Imported by the server of forked workers alone, for what it does: load the compiled kernel once for all."""

from streamer.events.decode import decode
from streamer.events.record import Record
from streamer.settings import Settings, load
from streamer.state.partition import PartitionState


def _load_kernel(settings: Settings) -> None:
    value = b'{"transaction_id": "t", "user_id": "u", "amount": 1, "timestamp": 1700000000000}'
    batch, _ = decode([Record("warm-up", 0, 0, None, value)], settings.events)
    PartitionState(settings.state, late_after_ms=0).advance(batch)


_load_kernel(load(None, {"state.users": "1", "state.merchants": "1", "state.transaction_ids": "1"}))
