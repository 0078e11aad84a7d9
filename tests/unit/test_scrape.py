"""Reading another process's metrics port."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from streamer.clock import ManualClock
from streamer.errors import TransportError
from streamer.health import Health, HealthServer
from streamer.metrics import Metrics
from streamer.metrics.array_histogram import ArrayHistogram
from streamer.scrape import Scrape, scrape

NAME = "streamer_size"


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def histogram(registry: CollectorRegistry) -> ArrayHistogram:
    return ArrayHistogram(NAME, "How large.", (1.0, 2.0, 4.0), registry)


@pytest.fixture
def server(registry: CollectorRegistry) -> Iterator[HealthServer]:
    serving = HealthServer("127.0.0.1", 0, registry, Health(ManualClock(), silence_s=30, stall_after_s=60))
    yield serving
    serving.close()


def reading(registry: CollectorRegistry) -> Scrape:
    return Scrape.of(generate_latest(registry).decode())


def test_a_served_registry_can_be_read_back(registry: CollectorRegistry, server: HealthServer) -> None:
    metrics = Metrics(registry)
    metrics.alerts("high")
    metrics.alerts("critical")
    read = scrape(f"http://127.0.0.1:{server.port}/metrics")
    assert read.total("streamer_alerts_total") == 2
    assert read.samples["streamer_alerts_total", (("level", "high"),)] == 1
    assert read.total("streamer_ready") == 0


def test_a_port_where_nothing_answers_is_named(registry: CollectorRegistry, server: HealthServer) -> None:
    url = f"http://127.0.0.1:{server.port}/nothing"
    with pytest.raises(TransportError, match=url):
        scrape(url)


def test_an_absent_series_is_told_from_one_that_is_zero(registry: CollectorRegistry) -> None:
    Metrics(registry)
    read = reading(registry)
    assert read.has("streamer_duplicates_total")
    assert read.total("streamer_duplicates_total") == 0
    assert not read.has("streamer_bundle_info")
    assert read.total("streamer_bundle_info") == 0


def test_quantiles_are_linear_within_a_bucket(registry: CollectorRegistry, histogram: ArrayHistogram) -> None:
    histogram.observe(np.array([0.5, 1.5, 1.5, 1.5]))
    read = reading(registry)
    assert read.quantile(NAME, 0.25) == 1.0
    assert read.quantile(NAME, 0.625) == 1.5
    assert read.quantile(NAME, 1.0) == 2.0


def test_beyond_the_last_bound_a_quantile_is_that_bound(registry: CollectorRegistry, histogram: ArrayHistogram) -> None:
    histogram.observe(np.array([0.5, 100.0, 100.0]))
    assert reading(registry).quantile(NAME, 0.99) == 4.0


def test_no_observations_have_no_quantile(registry: CollectorRegistry, histogram: ArrayHistogram) -> None:
    assert reading(registry).quantile(NAME, 0.5) is None
    assert reading(registry).quantile("streamer_unheard_of", 0.5) is None


def test_what_an_earlier_reading_counted_is_left_out(registry: CollectorRegistry, histogram: ArrayHistogram) -> None:
    histogram.observe(np.full(1_000, 3.0))
    before = reading(registry)
    assert reading(registry).quantile(NAME, 0.5, since=before) is None
    histogram.observe(np.full(10, 0.5))
    after = reading(registry)
    assert after.quantile(NAME, 0.5, since=before) == 0.5
    assert after.quantile(NAME, 0.5) == pytest.approx(2 + 2 * (505 - 10) / 1_000)


@given(st.lists(st.floats(0, 4), min_size=1, max_size=50), st.floats(0.01, 1))
def test_a_quantile_lies_in_the_bucket_of_the_true_one(values: list[float], quantile: float) -> None:
    registry = CollectorRegistry()
    ArrayHistogram(NAME, "How large.", (1.0, 2.0, 4.0), registry).observe(np.array(values))
    found = reading(registry).quantile(NAME, quantile)
    true = np.quantile(values, quantile, method="inverted_cdf")
    lower, upper = next((low, up) for low, up in ((0, 1), (1, 2), (2, 4)) if true <= up)
    assert found is not None
    assert lower <= found <= upper


def test_buckets_of_several_labels_add_up(registry: CollectorRegistry) -> None:
    clock = ManualClock()
    metrics = Metrics(registry, clock.monotonic)
    for stage in ("score", "decode"):
        with metrics.stage(stage):
            clock.advance(0.015)
    buckets = reading(registry).buckets("streamer_stage_seconds")
    assert (buckets[0.01], buckets[0.02], buckets[float("inf")]) == (0, 2, 2)
