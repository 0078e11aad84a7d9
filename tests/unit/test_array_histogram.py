"""The histogram that takes arrays counts as the client's own does."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from streamer.metrics.array_histogram import ArrayHistogram

BOUNDS = (0.5, 1.0, 2.0)


def text_of(registry: CollectorRegistry) -> str:
    """Return what a scraper reads, but for the moment of creation that only the client's histogram tells."""
    lines = generate_latest(registry).decode().splitlines()
    return "\n".join(line for line in lines if "_created" not in line)


@given(st.lists(st.lists(st.sampled_from([-1.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 64.0]))))
def test_a_scraper_sees_what_the_clients_histogram_would_show(batches: list[list[float]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    arrays = ArrayHistogram("streamer_size", "How large.", BOUNDS, ours)
    singles = Histogram("streamer_size", "How large.", buckets=BOUNDS, registry=theirs)
    for batch in batches:
        arrays.observe(np.array(batch))
        for value in batch:
            singles.observe(value)
    assert text_of(ours) == text_of(theirs)


def test_single_precision_adds_up_in_double() -> None:
    registry = CollectorRegistry()
    histogram = ArrayHistogram("streamer_size", "How large.", BOUNDS, registry)
    histogram.observe(np.full(1_000_000, 0.1, np.float32))
    total = registry.get_sample_value("streamer_size_sum")
    # Added up in single precision it would be 100,958 or so, one by one, and stop growing later.
    assert total == pytest.approx(float(np.float32(0.1)) * 1_000_000, rel=1e-12)


def test_observations_of_many_threads_all_count() -> None:
    registry = CollectorRegistry()
    histogram = ArrayHistogram("streamer_size", "How large.", BOUNDS, registry)
    values = np.array([0.1, 1.5, 9.0])

    def observe() -> None:
        for _ in range(500):
            histogram.observe(values)

    threads = [threading.Thread(target=observe) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert registry.get_sample_value("streamer_size_bucket", {"le": "0.5"}) == 2_000
    assert registry.get_sample_value("streamer_size_count") == 6_000


def test_a_name_is_taken_once_in_a_registry() -> None:
    registry = CollectorRegistry()
    ArrayHistogram("streamer_size", "How large.", BOUNDS, registry)
    with pytest.raises(ValueError, match="streamer_size"):
        ArrayHistogram("streamer_size", "How large.", BOUNDS, registry)
