"""Every panel and every rule, asked of a real Prometheus that scrapes a real worker on a real Kafka."""

import json
import math
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml

from streamer.events.record import Message
from streamer.settings import AlertSettings
from streamer.simulate.event import encode
from streamer.simulate.stream import simulate
from tests.conftest import SMALL_WORLD
from tests.helpers.worker import Topics, eventually, worker
from tests.ops.programs import Prometheus, prometheus

pytestmark = pytest.mark.ops

DEPLOY = Path(__file__).parents[2] / "deploy"
BOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "fraud-streamer.json").read_text(encoding="utf-8"))
RULES = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text(encoding="utf-8"))

PANELS = {
    f"{panel['title']}: {target['legendFormat']}": target["expr"]
    for panel in BOARD["panels"]
    for target in panel.get("targets", [])
}
RULE_EXPRESSIONS = {
    rule.get("alert", rule.get("record")): rule["expr"] for group in RULES["groups"] for rule in group["rules"]
}
METRIC = re.compile(r"\b(?:streamer_\w+|job:streamer_\w+:\w+|up)\b(?:\{[^}]*\})?")


def configuration(url: str) -> dict[str, object]:
    """Return the shipped configuration, with a fixed target and a quick pace."""
    shipped = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    job = shipped["scrape_configs"][0]
    del job["dns_sd_configs"], shipped["alerting"]
    job["static_configs"] = [{"targets": [url.removeprefix("http://")]}]
    shipped["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    shipped["rule_files"] = [str(DEPLOY / "prometheus" / "rules.yml")]
    return dict(shipped)


def value(watching: Prometheus, expression: str) -> float:
    return sum(number for _, number in watching.series(expression))


def exists(watching: Prometheus, expression: str) -> bool:
    return bool(watching.series(expression))


@pytest.fixture(scope="module")
def watched(kafka: str, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that saw a worker judge payments, repeats and nonsense."""
    folder = tmp_path_factory.mktemp("watched")
    topics = Topics(kafka).create(partitions=2)
    events = list(simulate(SMALL_WORLD, range(20, 40)))
    payments = [
        Message(topics.transactions, str(e.transaction.user_id).encode(), encode(e.transaction)) for e in events
    ]
    half = len(payments) // 2
    with worker(topics, bundle, folder / "worker.log") as running:
        config = folder / "prometheus.yml"
        config.write_text(yaml.safe_dump(configuration(running.url)), encoding="utf-8")
        with prometheus(config, folder) as watching:
            eventually("the worker was scraped", lambda: value(watching, "count_over_time(up[1m])") >= 2)
            topics.produce(payments[:half])
            eventually("the first half is seen", lambda: value(watching, "streamer_events_total") == half)
            topics.produce([*payments[half - 5 :], Message(topics.transactions, None, b"[]")])
            eventually("the second half is seen", lambda: value(watching, "streamer_events_total") == len(payments))
            eventually("a stretch of scrapes", lambda: value(watching, "count_over_time(up[1m])") >= 10)
            yield watching


def test_what_prometheus_saw_is_what_happened(watched: Prometheus) -> None:
    assert value(watched, "streamer_ready") == 1
    assert value(watched, "streamer_duplicates_total") == 5
    assert value(watched, 'streamer_rejected_total{reason="not_an_object"}') == 1
    assert value(watched, "streamer_lag_records") == 0
    assert value(watched, "streamer_alerts_total") > 0
    assert value(watched, "streamer_alert_budget_ratio") == AlertSettings().alerts_per_million / 1e6
    assert value(watched, "streamer_bundle_info") == 1


@pytest.mark.parametrize("name", PANELS)
def test_every_panel_shows_something(watched: Prometheus, name: str) -> None:
    expression = PANELS[name].replace("$__rate_interval", "1m").replace("$instance", ".*")
    assert "$" not in expression
    found = watched.series(expression)
    assert found, expression
    assert not any(math.isnan(number) for _, number in found), expression
    for label in re.findall(r"\{\{(\w+)\}\}", name):
        assert all(label in labels for labels, _ in found), f"the legend names {label}, which no series has"


@pytest.mark.parametrize("name", RULE_EXPRESSIONS)
def test_every_rule_finds_what_it_looks_at(watched: Prometheus, name: str) -> None:
    expression = RULE_EXPRESSIONS[name]
    watched.series(expression)
    selectors = METRIC.findall(expression)
    assert selectors
    for selector in selectors:
        # Recording rules wait for two samples.
        eventually(f"{selector} exists", partial(exists, watched, selector), within_s=10)


def test_prometheus_evaluates_every_rule(watched: Prometheus) -> None:
    eventually("every rule was evaluated", lambda: "unknown" not in watched.rule_health().values(), within_s=10)
    health = watched.rule_health()
    assert set(health) == set(RULE_EXPRESSIONS)
    assert set(health.values()) == {"ok"}


def test_a_healthy_worker_raises_no_alarm_of_its_own(watched: Prometheus) -> None:
    pending = {labels["alertname"] for labels, _ in watched.series("ALERTS")}
    # The calendar is an old one, the payments came in two heaps, and the world is full of fraud.
    assert pending <= {"EventDelayHigh", "LatencyObjectiveBurning", "AlertRateAboveBudget"}
