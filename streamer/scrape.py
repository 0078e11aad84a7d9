"""Reads another process's metrics port."""

import urllib.request
from dataclasses import dataclass, field
from typing import Self

from prometheus_client.parser import text_string_to_metric_families

from streamer.errors import TransportError

TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Scrape:
    """One reading of all series.

    Attributes:
        samples: value by series name and sorted labels.
    """

    samples: dict[tuple[str, tuple[tuple[str, str], ...]], float] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> Self:
        """Parse the Prometheus text format."""
        return cls(
            {
                (sample.name, tuple(sorted(sample.labels.items()))): sample.value
                for family in text_string_to_metric_families(text)
                for sample in family.samples
            }
        )

    def has(self, name: str) -> bool:
        """Tell whether any series has this name."""
        return any(series == name for series, _ in self.samples)

    def total(self, name: str) -> float:
        """Sum the series of a name over all labels; 0 when there is none."""
        return sum(value for (series, _), value in self.samples.items() if series == name)

    def quantile(self, name: str, quantile: float, *, since: "Scrape | None" = None) -> float | None:
        """Estimate a quantile of a histogram, linear within a bucket as PromQL does.

        Args:
            name: the histogram, without `_bucket`.
            quantile: between 0 and 1.
            since: observations counted there are left out.

        Returns:
            None without observations; the largest finite bound for what lies beyond it.
        """
        counts = self.buckets(name)
        before = {} if since is None else since.buckets(name)
        bounds = sorted(counts)
        cumulative = [counts[bound] - before.get(bound, 0.0) for bound in bounds]
        if not cumulative or cumulative[-1] <= 0:
            return None
        wanted = quantile * cumulative[-1]
        lower = below = 0.0
        for bound, count in zip(bounds, cumulative, strict=True):
            if count >= wanted and count > below:
                return lower if bound == float("inf") else lower + (bound - lower) * (wanted - below) / (count - below)
            lower, below = bound, count
        return lower

    def buckets(self, name: str) -> dict[float, float]:
        """Return a histogram's cumulative counts by upper bound, summed over all labels."""
        counts: dict[float, float] = {}
        for (series, labels), value in self.samples.items():
            if series == f"{name}_bucket":
                bound = float(dict(labels)["le"])
                counts[bound] = counts.get(bound, 0.0) + value
        return counts


def scrape(url: str) -> Scrape:
    """Read a metrics port.

    Raises:
        TransportError: nothing answers there.
    """
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 (our own worker's address)
            return Scrape.of(answer.read().decode())
    except OSError as error:
        raise TransportError(f"no metrics at {url}: {error}") from error
