"""Imported by the server of forked workers alone, for what it does: load the compiled kernel once for all."""

from streamer.cli.assembly import nobodys_payments
from streamer.events.decode import decode
from streamer.settings import Settings, load
from streamer.state.partition import PartitionState


def _load_kernel(settings: Settings) -> None:
    batch, _ = decode(nobodys_payments(1), settings.events)
    PartitionState(settings.state, late_after_ms=0).advance(batch)


_load_kernel(load(None, {"state.users": "1", "state.merchants": "1", "state.transaction_ids": "1"}))
