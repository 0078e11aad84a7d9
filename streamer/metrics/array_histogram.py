"""A Prometheus histogram that takes thousands of observations in one call."""

import threading
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import HistogramMetricFamily
from prometheus_client.registry import Collector


class ArrayHistogram(Collector):
    """Counts observations into fixed buckets, a whole array at a time.

    The client's own histogram takes one observation a call, which costs more than judging the
    event that it observes.
    """

    def __init__(self, name: str, documentation: str, bounds: Sequence[float], registry: CollectorRegistry) -> None:
        """Register it.

        Args:
            name: full name, in base units.
            documentation: help text.
            bounds: upper bounds, ascending, without infinity.
            registry: where it is collected.

        Raises:
            ValueError: the registry has the name already.
        """
        self._name = name
        self._documentation = documentation
        self._bounds = np.array(bounds, np.float64)
        self._counts = np.zeros(len(bounds) + 1, np.int64)
        self._sum = 0.0
        self._lock = threading.Lock()
        registry.register(self)

    def observe(self, values: NDArray[np.floating]) -> None:
        """Count values; a value equal to a bound belongs to its bucket."""
        buckets = np.searchsorted(self._bounds, values, side="left")
        counts = np.bincount(buckets, minlength=len(self._counts))
        total = float(np.sum(values, dtype=np.float64))
        with self._lock:
            self._counts += counts
            self._sum += total

    def describe(self) -> Iterator[HistogramMetricFamily]:
        """Yield the name, by which a registry refuses a second series of it."""
        yield HistogramMetricFamily(self._name, self._documentation)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yield the present counts."""
        with self._lock:
            cumulative = np.cumsum(self._counts).tolist()
            total = self._sum
        edges = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        family = HistogramMetricFamily(self._name, self._documentation)
        family.add_metric([], buckets=list(zip(edges, cumulative, strict=True)), sum_value=total)
        yield family
