"""Compiles what a worker runs as machine code into numba's cache, while an image is built."""

from detectors.ensemble import Ensemble
from detectors.models.tails import FeatureTails
from detectors.models.trained import Trained
from detectors.models.vae import Vae, VaeConfig, VaeNetwork
from detectors.scaling import Scaling
from streamer.events.decode import decode
from streamer.events.record import Record
from streamer.settings import EventSettings, StateSettings
from streamer.state.features import TABLE
from streamer.state.partition import PartitionState

VALUE = b'{"transaction_id": "%d", "user_id": "u", "amount": 1, "timestamp": 1700000000000}'
PAYMENTS = 2
"""Numba compiles anew for a single row: it is taken for rows and columns alike."""


def warm() -> int:
    """Judge and explain payments of nobody, by networks that learnt nothing; return how many were judged."""
    records = [Record("warm", 0, number, None, VALUE % number) for number in range(PAYMENTS)]
    batch, _ = decode(records, EventSettings())
    state = PartitionState(StateSettings(users=1, merchants=1, transaction_ids=PAYMENTS), late_after_ms=0)
    windows = state.advance(batch).windows
    config = VaeConfig()
    network = Trained(TABLE, config, Scaling.fit(windows, TABLE), VaeNetwork(config, TABLE))
    detectors = FeatureTails.fit(windows, TABLE), Vae.calibrate(network, windows)
    ensemble = Ensemble.calibrate(detectors, windows, windows)
    # An alert's windows are copies, where all are judged in their rings.
    ensemble.explain(windows.rows(slice(1)))
    return len(ensemble.judge(windows).risk)


if __name__ == "__main__":
    warm()
