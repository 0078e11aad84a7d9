"""What the worker counts and times, for Prometheus.

Everything is declared here, so that the dashboard and the alert rules have one source. Labels take
few values: never a user, a merchant or a transaction. Gauges of a partition go when the partition does.
Readiness is no count: `Health` tells it at each scrape (`streamer_ready`, `streamer_stalled`).
"""

from streamer.metrics.stages import STAGES
from streamer.metrics.worker import Metrics, new_registry

__all__ = ["STAGES", "Metrics", "new_registry"]
