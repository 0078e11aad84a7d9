"""The dashboard and the alert rules agree with the metrics that a worker has."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry

from deploy.dashboard import as_json
from streamer.clock import ManualClock
from streamer.health import Health, HealthServer
from streamer.metrics import Metrics, new_registry

DEPLOY = Path(__file__).parents[2] / "deploy"
BOARD = DEPLOY / "grafana" / "dashboards" / "fraud-streamer.json"
RULES = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
TESTS = yaml.safe_load((DEPLOY / "prometheus" / "rules_test.yml").read_text(encoding="utf-8"))["tests"]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "info": ("_info",)}


def expressions() -> dict[str, str]:
    """Return every expression of rules and dashboard by its name."""
    panels = {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in json.loads(BOARD.read_text(encoding="utf-8"))["panels"]
        for target in panel.get("targets", [])
    }
    return panels | {rule.get("alert", rule.get("record")): rule["expr"] for rule in RULES}


def series_of(registry: CollectorRegistry) -> set[str]:
    return {family.name + suffix for family in registry.collect() for suffix in SUFFIXES.get(family.type, ("",))}


@pytest.fixture(scope="module")
def known() -> set[str]:
    """Names of all series that a worker or a recording rule can make."""
    registry = new_registry()
    Metrics(registry)
    server = HealthServer("127.0.0.1", 0, registry, Health(ManualClock(), silence_s=1, stall_after_s=1))
    try:
        return series_of(registry) | {"up"} | {rule["record"] for rule in RULES if "record" in rule}
    finally:
        server.close()


def test_the_committed_dashboard_is_the_generated_one() -> None:
    command = "python -m deploy.dashboard > deploy/grafana/dashboards/fraud-streamer.json"
    assert BOARD.read_text(encoding="utf-8") == as_json(), command


@pytest.mark.parametrize(("name", "expression"), expressions().items(), ids=expressions())
def test_every_expression_names_series_that_exist(name: str, expression: str, known: set[str]) -> None:
    names = set(re.findall(r"\b(?:streamer|process)_\w+|job:\w+:\w+|\bup\b", expression))
    assert names, name
    assert names <= known


def test_panels_have_titles_of_their_own_and_say_what_they_are_for() -> None:
    panels = [panel for panel in json.loads(BOARD.read_text(encoding="utf-8"))["panels"] if panel["type"] != "row"]
    titles = Counter(panel["title"] for panel in panels)
    assert titles.most_common(1)[0][1] == 1
    assert all(panel["description"] and panel["datasource"]["uid"] == "${datasource}" for panel in panels)


def test_panels_do_not_overlap() -> None:
    taken: Counter[tuple[int, int]] = Counter()
    for panel in json.loads(BOARD.read_text(encoding="utf-8"))["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        for row in range(place["h"]):
            taken.update((place["x"] + column, place["y"] + row) for column in range(place["w"]))
    assert set(taken.values()) == {1}


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_says_what_is_wrong_what_it_means_and_where_to_look(name: str) -> None:
    rule = ALERTS[name]
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert rule["for"]
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    assert all(len(text) > 10 for text in rule["annotations"].values())


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_has_a_case_that_fires_and_one_that_does_not(name: str) -> None:
    outcomes = {
        bool(case["exp_alerts"]) for test in TESTS for case in test["alert_rule_test"] if case["alertname"] == name
    }
    assert outcomes == {True, False}
