"""From produced to committed, and to readable by a subscriber that reads committed alerts only."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from streamer.settings import AlertSettings
from tests.bench import live
from tests.bench.in_memory import risks
from tests.bench.live import Load, sliced
from tests.bench.timing import Measurement, percentile
from tests.bench.workload import Workload

ALERTED = 0.005
"""Share of the events that raise an alert: fraud in the simulated world is as frequent."""

_SHARES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
_CALIBRATED_BY = 40_000


def waiting(workload: Workload, bootstrap: str, load: Load, folder: Path) -> Iterator[Measurement]:
    """Measure under a load; alerts are too few for a high percentile of a slice, which is of all of them then."""
    passages = live.run(workload, bootstrap, load, folder, _alerting(workload))
    named = f"at {load.rate:,.0f}/s"
    slices = sliced(passages, load, lambda passage: passage.to_commit)
    for name, share in _SHARES.items():
        yield _row(f"to commit {named}, {name}", tuple(percentile(each, share) for each in slices))
    alerted = [passage for passage in passages if passage.readable is not None]
    if not alerted:
        raise RuntimeError(f"no alert was read {named}")
    slices = sliced(alerted, load, lambda passage: passage.to_readable)
    everything = [took for each in slices for took in each]
    for name, share in _SHARES.items():
        few = min(map(len, slices)) * (1 - share) < 1
        values = (percentile(everything, share),) if few else tuple(percentile(each, share) for each in slices)
        yield _row(f"to readable {named}, {name}", values)
    yield Measurement("latency", f"alerts {named}", "% of events", (100 * len(alerted) / len(passages),))


def _row(what: str, values: tuple[float, ...]) -> Measurement:
    return Measurement("latency", what, "ms", values)


def _alerting(workload: Workload) -> AlertSettings:
    """Return the budget that lets the wanted share of this workload raise alerts, none of them hidden."""
    threshold = float(np.quantile(risks(workload, _CALIBRATED_BY), 1 - ALERTED))
    return AlertSettings(alerts_per_million=1e6 * float(np.exp(-threshold)), suppress_s=0.0)
