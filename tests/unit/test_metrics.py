"""What the worker's metrics look like to a scraper."""

import re

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from streamer.clock import ManualClock
from streamer.errors import RejectReason
from streamer.events.record import TopicPartition
from streamer.metrics import Metrics, new_registry

SOURCE = TopicPartition("transactions", 3)
PLACE = {"topic": "transactions", "partition": "3"}


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def metrics(registry: CollectorRegistry, clock: ManualClock) -> Metrics:
    return Metrics(registry, clock.monotonic)


def use_everything(metrics: Metrics, source: TopicPartition = SOURCE) -> None:
    metrics.events(source, 5)
    metrics.rejected(RejectReason.BAD_JSON)
    metrics.duplicates(1)
    metrics.late(2)
    metrics.out_of_order(3)
    metrics.key_mismatch(4)
    metrics.lag(source, 7)
    metrics.event_delay(source, 1.5)
    metrics.budget(2_000)
    metrics.alerts("high")
    metrics.suppressed(1)
    metrics.dead_letters(1)
    metrics.risk(np.array([0.1, 9.0]))
    metrics.scored(5, unscorable=1, degraded=True)
    with metrics.stage("score"):
        pass
    metrics.batch(5)
    metrics.alert_latency(np.array([0.02]))
    metrics.event_latency(np.array([0.02, 0.03]))
    metrics.held(source, users=4, merchants=2, state_bytes=9_000)
    metrics.evicted("user", 1)
    metrics.rebalance("assigned")
    metrics.snapshot("written")
    metrics.snapshot_written(source, seconds=0.4, size=1_000)
    metrics.snapshot_stored(source, 1_700_000_000.0)
    metrics.bundle(bundle_id="b", version="1", sha256="ab", trained_until=1_700_000_000_000)
    metrics.bundle_refused("damaged")


def test_counters_of_closed_label_sets_start_at_zero(metrics: Metrics, registry: CollectorRegistry) -> None:
    for reason in RejectReason:
        assert registry.get_sample_value("streamer_rejected_total", {"reason": reason.value}) == 0
    for level in ("elevated", "high", "critical"):
        assert registry.get_sample_value("streamer_alerts_total", {"level": level}) == 0
    for kind in ("user", "merchant"):
        assert registry.get_sample_value("streamer_evictions_total", {"kind": kind}) == 0
    assert registry.get_sample_value("streamer_alert_latency_seconds_count") == 0


def test_names_end_in_base_units_and_labels_stay_few(metrics: Metrics, registry: CollectorRegistry) -> None:
    use_everything(metrics)
    families = list(text_string_to_metric_families(generate_latest(registry).decode()))
    allowed = {
        "topic",
        "partition",
        "reason",
        "level",
        "stage",
        "kind",
        "how",
        "outcome",
        "le",
        "version",
        "bundle_id",
        "sha256",
    }
    for family in families:
        assert re.fullmatch(r"streamer_[a-z_]+", family.name), family.name
        assert not re.search(r"_(ms|millis|milliseconds|minutes|percent|kb|mb)(_|$)", family.name), family.name
        assert family.documentation
        for sample in family.samples:
            assert set(sample.labels) <= allowed, sample


def test_a_stage_takes_what_the_clock_says_even_when_it_fails(
    metrics: Metrics, clock: ManualClock, registry: CollectorRegistry
) -> None:
    def fail() -> None:
        with metrics.stage("decode"):
            clock.advance(0.25)
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 (raised two lines above)
        fail()
    assert registry.get_sample_value("streamer_stage_seconds_sum", {"stage": "decode"}) == 0.25
    assert registry.get_sample_value("streamer_stage_seconds_count", {"stage": "decode"}) == 1


def test_latencies_fall_into_cumulative_buckets(metrics: Metrics, registry: CollectorRegistry) -> None:
    metrics.event_latency(np.array([0.0005, 0.001, 0.0011, 0.04, 100.0]))
    metrics.event_latency(np.array([0.04]))

    def bucket(bound: str) -> float | None:
        return registry.get_sample_value("streamer_event_latency_seconds_bucket", {"le": bound})

    assert [bucket(bound) for bound in ("0.001", "0.0025", "0.05", "60.0", "+Inf")] == [2, 3, 5, 5, 6]
    assert registry.get_sample_value("streamer_event_latency_seconds_count") == 6
    assert registry.get_sample_value("streamer_event_latency_seconds_sum") == pytest.approx(100.0826)


def test_a_broker_whose_clock_is_ahead_never_makes_a_sum_fall(metrics: Metrics, registry: CollectorRegistry) -> None:
    metrics.event_latency(np.array([0.5]))
    metrics.event_latency(np.array([-2.0]))
    metrics.alert_latency(np.array([-2.0]))
    assert registry.get_sample_value("streamer_event_latency_seconds_sum") == 0.5
    assert registry.get_sample_value("streamer_alert_latency_seconds_sum") == 0.0


def test_no_latencies_count_as_none(metrics: Metrics, registry: CollectorRegistry) -> None:
    metrics.alert_latency(np.array([]))
    assert registry.get_sample_value("streamer_alert_latency_seconds_count") == 0


def test_risk_is_counted_in_decades_of_rarity(metrics: Metrics, registry: CollectorRegistry) -> None:
    one_in_five_hundred = np.log(500.0)
    metrics.risk(np.array([one_in_five_hundred]))
    assert registry.get_sample_value("streamer_risk_decades_bucket", {"le": "2.5"}) == 0
    assert registry.get_sample_value("streamer_risk_decades_bucket", {"le": "3.0"}) == 1


def test_gauges_of_a_partition_go_with_it_and_those_of_others_stay(
    metrics: Metrics, registry: CollectorRegistry
) -> None:
    other = TopicPartition("transactions", 4)
    use_everything(metrics)
    use_everything(metrics, other)
    metrics.forget(SOURCE)
    left = {
        family.name
        for family in registry.collect()
        for sample in family.samples
        if sample.labels.get("partition") == "3"
    }
    assert left == {"streamer_events"}
    assert registry.get_sample_value("streamer_lag_records", {"topic": "transactions", "partition": "4"}) == 7


def test_a_partition_without_series_can_be_forgotten_and_come_back(
    metrics: Metrics, registry: CollectorRegistry
) -> None:
    metrics.forget(SOURCE)
    metrics.lag(SOURCE, 3)
    assert registry.get_sample_value("streamer_lag_records", PLACE) == 3


def test_no_bundle_series_before_a_bundle_and_one_after_a_change(metrics: Metrics, registry: CollectorRegistry) -> None:
    def bundles() -> list[str]:
        return [
            sample.labels["version"]
            for family in registry.collect()
            for sample in family.samples
            if sample.name == "streamer_bundle_info"
        ]

    assert bundles() == []
    metrics.bundle(bundle_id="b", version="1", sha256="ab", trained_until=1_700_000_000_000)
    metrics.bundle(bundle_id="b", version="2", sha256="cd", trained_until=1_700_000_500_000)
    assert bundles() == ["2"]
    assert registry.get_sample_value("streamer_bundle_trained_until_timestamp_seconds") == 1_700_000_500


def test_a_refused_bundle_is_a_state(metrics: Metrics, registry: CollectorRegistry) -> None:
    for cause, refused in (("damaged", 1), (None, 0)):
        metrics.bundle_refused(cause)
        assert registry.get_sample_value("streamer_bundle_refused") == refused


def test_the_budget_is_a_ratio(metrics: Metrics, registry: CollectorRegistry) -> None:
    metrics.budget(2_000)
    assert registry.get_sample_value("streamer_alert_budget_ratio") == 0.002


def test_failing_detectors_are_counted_and_told(metrics: Metrics, registry: CollectorRegistry) -> None:
    def told() -> list[float | None]:
        names = ("streamer_unscorable_total", "streamer_degraded_events_total", "streamer_degraded")
        return [registry.get_sample_value(name) for name in names]

    assert told() == [0, 0, 0]
    metrics.scored(5, unscorable=1, degraded=False)
    assert told() == [1, 0, 0]
    metrics.scored(5, unscorable=0, degraded=True)
    assert told() == [1, 5, 1]
    metrics.scored(5, unscorable=0, degraded=False)
    assert told() == [1, 5, 0]


def test_registries_are_independent_and_tell_of_the_process() -> None:
    first, second = new_registry(), new_registry()
    Metrics(first).duplicates(1)
    Metrics(second)
    assert second.get_sample_value("streamer_duplicates_total") == 0
    assert first.get_sample_value("process_start_time_seconds") is not None
