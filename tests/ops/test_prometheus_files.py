"""What Prometheus and Alertmanager say of the files that we ship."""

from pathlib import Path

import pytest

from tests.ops.programs import succeed

pytestmark = pytest.mark.ops

DEPLOY = Path(__file__).parents[2] / "deploy"


def test_prometheus_accepts_its_configuration() -> None:
    succeed("promtool", "check", "config", DEPLOY / "prometheus" / "prometheus.yml")


def test_prometheus_accepts_the_rules() -> None:
    succeed("promtool", "check", "rules", "--lint=all", "--lint-fatal", DEPLOY / "prometheus" / "rules.yml")


def test_rules_fire_when_they_should_and_only_then() -> None:
    succeed("promtool", "test", "rules", DEPLOY / "prometheus" / "rules_test.yml")


def test_a_rule_that_never_fires_would_be_noticed(tmp_path: Path) -> None:
    rules = (DEPLOY / "prometheus" / "rules.yml").read_text(encoding="utf-8")
    blunted = rules.replace("streamer_stalled == 1", "streamer_stalled == 2")
    assert blunted != rules
    (tmp_path / "rules.yml").write_text(blunted, encoding="utf-8")
    (tmp_path / "rules_test.yml").write_bytes((DEPLOY / "prometheus" / "rules_test.yml").read_bytes())
    with pytest.raises(AssertionError, match="PartitionStalled"):
        succeed("promtool", "test", "rules", tmp_path / "rules_test.yml")


def test_alertmanager_accepts_its_configuration() -> None:
    succeed("amtool", "check-config", DEPLOY / "alertmanager" / "alertmanager.yml")


@pytest.mark.parametrize("severity", ["critical", "warning"])
def test_every_alert_reaches_the_operators(severity: str) -> None:
    config = DEPLOY / "alertmanager" / "alertmanager.yml"
    test = ("config", "routes", "test", f"--config.file={config}", "--verify.receivers=operators")
    succeed("amtool", *test, f"severity={severity}")
