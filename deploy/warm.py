"""Compiles what a worker runs as machine code into numba's cache, while an image is built."""

from detectors.ensemble import Ensemble
from detectors.models.tails import FeatureTails
from detectors.models.trained import Trained
from detectors.models.vae import Vae, VaeConfig, VaeNetwork
from detectors.scaling import Scaling
from streamer.cli.assembly import nobodys_payments
from streamer.events.decode import decode
from streamer.settings import EventSettings, StateSettings
from streamer.state.features import TABLE
from streamer.state.partition import PartitionState


def warm() -> int:
    """Judge and explain a payment of nobody, by networks that learnt nothing; return how many were judged."""
    batch, _ = decode(nobodys_payments(1), EventSettings())
    state = PartitionState(StateSettings(users=1, merchants=1, transaction_ids=1), late_after_ms=0)
    windows = state.advance(batch).windows
    config = VaeConfig()
    network = Trained(TABLE, config, Scaling.fit(windows, TABLE), VaeNetwork(config, TABLE))
    detectors = FeatureTails.fit(windows, TABLE), Vae.calibrate(network, windows)
    ensemble = Ensemble.calibrate(detectors, windows, windows)
    # An alert's windows are copies, where all are judged in their rings.
    ensemble.explain(windows.rows(slice(None)))
    return len(ensemble.judge(windows).risk)


if __name__ == "__main__":
    warm()
