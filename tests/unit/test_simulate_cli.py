import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from streamer.cli.simulate import simulate
from streamer.errors import SettingsError
from streamer.transport.archive import ArchiveSource

SMALL = ["--users", "50", "--merchants", "30", "--days", "3", "--fraud-rate", "50"]


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    made.command()(simulate)
    return made


def test_json_is_all_there_is_on_standard_output(app: typer.Typer, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    result = CliRunner().invoke(app, [*SMALL, "--to-file", str(path), "--json"])
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary["events"] == len(path.read_bytes().splitlines())
    assert summary["fraud_events"] == sum(summary["fraud_events_by_kind"].values()) > 0
    assert summary["target"] == str(path)
    assert result.stderr == ""


def test_a_person_reads_a_sentence(app: typer.Typer, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [*SMALL, "--to-file", str(tmp_path / "events.csv")])
    assert result.exit_code == 0, result.output
    assert "of them fraud" in result.stdout
    assert "card_testing" in result.stdout


def test_limit_and_start_are_obeyed(app: typer.Typer, tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    result = CliRunner().invoke(app, [*SMALL, "--to-file", str(path), "--limit", "7", "--start", "2026-02-03"])
    assert result.exit_code == 0, result.output
    records = ArchiveSource(path).poll(timeout_s=0, max_records=100)
    assert len(records) == 7
    first = json.loads(records[0].value or b"")
    assert 1_770_076_800_000 <= int(first["timestamp"]) < 1_770_163_200_000


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "choose one target"),
        (["--to-file", "a.csv", "--to-topic", "b"], "choose one target"),
        (["--to-topic", "a/b"], "--to-topic 'a/b' cannot name a topic"),
        (["--to-file", "a.csv", "--start", "yesterday"], "'yesterday' is no date"),
        (["--to-file", "a.csv", "--users", "0"], "users is 0"),
        (["--to-file", "a.csv", "--fraud-rate", "-1"], "episodes_per_1000_user_days is -1"),
    ],
)
def test_contradictions_are_explained(app: typer.Typer, flags: list[str], said: str) -> None:
    result = CliRunner().invoke(app, flags)
    assert isinstance(result.exception, SettingsError)
    assert said in str(result.exception)
