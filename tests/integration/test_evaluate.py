"""`streamer evaluate`, from a file to the table, with canonical and foreign columns."""

import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from streamer.cli.evaluate import evaluate
from streamer.cli.train import train
from streamer.errors import ArchiveError, EnvironmentFault, SettingsError
from streamer.simulate.stream import simulate
from streamer.simulate.to_file import to_file
from tests.conftest import SMALL_WORLD

DAYS = ["--train-start", "2025-01-04", "--train-days", "4", "--delay-days", "2", "--test-days", "3"]
QUICK = ["--models", "amount, gradient_boosting,tails", "--labels", "delayed", "--cards-per-day", "5"]
FOREIGN = {
    "transaction_id": "TX",
    "user_id": "CARD",
    "amount": "CENTS",
    "timestamp": "WHEN",
    "merchant_id": "SHOP",
    "category": "KIND",
    "currency": "CCY",
    "channel": "HOW",
    "country": "WHERE",
    "latitude": "LAT",
    "longitude": "LON",
    "device_id": "DEVICE",
    "is_fraud": "FRAUD",
}


@pytest.fixture(scope="module")
def app() -> typer.Typer:
    made = typer.Typer()
    made.command()(evaluate)
    return made


@pytest.fixture(scope="module")
def canonical(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "payments.csv"
    to_file(simulate(replace(SMALL_WORLD, episodes_per_1000_user_days=20.0), range(12)), path)
    return path


@pytest.fixture(scope="module")
def foreign(canonical: Path) -> tuple[Path, Path]:
    """The same payments as another system would keep them, and their mapping."""
    path, mapping = canonical.with_name("foreign.csv"), canonical.with_name("mapping.toml")
    with canonical.open(encoding="utf-8", newline="") as source, path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(FOREIGN.values())
        writer.writerows(_foreign_rows(csv.DictReader(source)))
    lines = {name: f'"{column}"' for name, column in FOREIGN.items() if name != "is_fraud"} | {
        "label": '"FRAUD"',
        "amount": '{column = "CENTS", unit = "minor"}',
        "timestamp": '{column = "WHEN", unit = "us"}',
    }
    mapping.write_text("\n".join(f"{name} = {entry}" for name, entry in lines.items()), encoding="utf-8")
    return path, mapping


def _foreign_rows(rows: Iterator[dict[str, str]]) -> Iterator[list[str]]:
    for row in rows:
        changed = {
            "amount": str(round(float(row["amount"]) * 100)),
            "timestamp": f"{row['timestamp']}999",
            "is_fraud": "yes" if row["is_fraud"].lower() == "true" else "no",
        }
        yield [(row | changed)[name] for name in FOREIGN]


def models(document: str) -> list[dict[str, object]]:
    """Return the entries without what the machine's speed decides."""
    found = json.loads(document)["models"]
    return [
        {name: value for name, value in entry.items() if name not in {"training_s", "windows_per_s"}} for entry in found
    ]


def test_foreign_payments_are_judged_as_canonical_ones(
    app: typer.Typer, canonical: Path, foreign: tuple[Path, Path], tmp_path: Path
) -> None:
    plain = CliRunner().invoke(app, ["--data", str(canonical), *DAYS, *QUICK, "--json"])
    assert plain.exit_code == 0, plain.output
    path, mapping = foreign
    out = tmp_path / "out.json"
    mapped = CliRunner().invoke(
        app, ["--data", str(path), "--mapping", str(mapping), *DAYS, *QUICK, "--json", str(out)]
    )
    assert mapped.exit_code == 0, mapped.output
    assert "gradient_boosting" in mapped.stdout
    assert models(out.read_text(encoding="utf-8")) == models(plain.stdout)
    document = json.loads(plain.stdout)
    assert document["split"] == {
        "train_start": 1_735_948_800_000,
        "train_days": 4,
        "delay_days": 2,
        "test_days": 3,
    }
    assert [entry["model"] for entry in document["models"]] == ["amount", "gradient_boosting", "tails"]
    assert document["test"]["frauds"] > 0
    assert document["rejected"] == document["unlabelled"] == 0
    best = document["models"][1]["figures"]
    assert best["auc"] > 0.8
    assert len(best["card_precision_by_day"]) == 3


def test_every_seed_is_an_entry_and_the_table_shows_their_spread(app: typer.Typer, canonical: Path) -> None:
    choice = ["--models", "isolation_forest", "--seeds", "2", "--seed", "5"]
    result = CliRunner().invoke(app, ["--data", str(canonical), *DAYS, *choice, "--json"])
    assert [entry["seed"] for entry in json.loads(result.stdout)["models"]] == [5, 6]
    table = CliRunner().invoke(app, ["--data", str(canonical), *DAYS, *choice])
    worth, cost = (line for line in table.stdout.splitlines() if "isolation_forest" in line)
    assert "±" in worth
    assert "±" in cost


def test_models_need_frauds_to_learn_from(app: typer.Typer, canonical: Path, tmp_path: Path) -> None:
    rows = canonical.read_text(encoding="utf-8").splitlines(keepends=True)
    with canonical.open(encoding="utf-8", newline="") as source:
        until = [int(row["timestamp"]) for row in csv.DictReader(source)]
    honest = [
        row if time > 1_736_300_000_000 else row.replace("true", "false").replace("True", "False")
        for row, time in zip(rows[1:], until, strict=True)
    ]
    path = tmp_path / "honest.csv"
    path.write_text("".join([rows[0], *honest]), encoding="utf-8")
    result = CliRunner().invoke(app, ["--data", str(path), *DAYS, *QUICK])
    assert isinstance(result.exception, ArchiveError)
    assert "'gradient_boosting' cannot learn" in str(result.exception)
    out, plots = tmp_path / "out.json", tmp_path / "plots"
    CliRunner().invoke(app, ["--data", str(path), *DAYS, *QUICK, "--plots", str(plots), "--json", str(out)])
    assert [entry["model"] for entry in models(out.read_text(encoding="utf-8"))] == ["amount"]
    assert "<!-- amount -->" in (plots / "models.svg").read_text(encoding="utf-8")


def test_a_label_of_another_name(app: typer.Typer, canonical: Path, tmp_path: Path) -> None:
    path = tmp_path / "renamed.csv"
    path.write_text(canonical.read_text(encoding="utf-8").replace("is_fraud", "truth", 1), encoding="utf-8")
    flags = [*DAYS, "--models", "amount", "--json"]
    renamed = CliRunner().invoke(app, ["--data", str(path), "--label", "truth", *flags])
    plain = CliRunner().invoke(app, ["--data", str(canonical), *flags])
    assert models(renamed.stdout) == models(plain.stdout)
    absent = CliRunner().invoke(app, ["--data", str(path), *flags])
    assert isinstance(absent.exception, ArchiveError)
    assert "'is_fraud'" in str(absent.exception)


def test_training_learns_from_foreign_payments_as_from_canonical_ones(
    canonical: Path, foreign: tuple[Path, Path], tmp_path: Path
) -> None:
    trainer = typer.Typer()
    trainer.command()(train)
    path, mapping = foreign
    flags = ["--newest", "1000", "--epochs", "1", "--bundle-id", "b", "--json"]
    plain = CliRunner().invoke(trainer, ["--data", str(canonical), "--out", str(tmp_path / "plain"), *flags])
    mapped = CliRunner().invoke(
        trainer, ["--data", str(path), "--mapping", str(mapping), "--out", str(tmp_path / "mapped"), *flags]
    )
    assert plain.exit_code == mapped.exit_code == 0, plain.output + mapped.output
    one, other = json.loads(plain.stdout), json.loads(mapped.stdout)
    assert one | {"bundle": None} == other | {"bundle": None}
    for file in (tmp_path / "plain").glob("*.safetensors"):
        assert file.read_bytes() == (tmp_path / "mapped" / file.name).read_bytes()


def test_a_bundle_judges_foreign_payments_as_canonical_ones(
    app: typer.Typer, canonical: Path, foreign: tuple[Path, Path], bundle: Path
) -> None:
    path, mapping = foreign
    flags = ["--bundle", str(bundle), "--warm-up-days", "3", "--json"]
    plain = CliRunner().invoke(app, ["--data", str(canonical), *flags])
    mapped = CliRunner().invoke(app, ["--data", str(path), "--mapping", str(mapping), *flags])
    assert plain.exit_code == mapped.exit_code == 0, plain.output + mapped.output
    found = json.loads(plain.stdout)
    assert found == json.loads(mapped.stdout)
    assert set(found["scores"]) == {"ensemble", "vae", "gan", "tails"}
    assert found["scores"]["ensemble"]["auc"] > 0.8


def test_what_a_bundle_is_worth_is_drawn_and_its_curves_are_kept(
    app: typer.Typer, canonical: Path, bundle: Path, tmp_path: Path
) -> None:
    flags = ["--bundle", str(bundle), "--warm-up-days", "3", "--plots", str(tmp_path), "--json"]
    result = CliRunner().invoke(app, ["--data", str(canonical), *flags])
    assert result.exit_code == 0, result.output
    assert_pictures(tmp_path, {"precision_recall", "recall_by_alert_rate", "scores"})
    found = json.loads(result.stdout)
    assert set(found["curves"]) == set(found["scores"])
    for name, curves in found["curves"].items():
        assert max(curves["recall_at_rate"]) == max(curves["recall"]) == 1, name
        assert curves["precision"][-1] >= found["frauds"] / found["payments"]
    assert sum(found["histogram"]["ordinary"]) == pytest.approx(1, abs=1e-4)
    assert sum(found["histogram"]["fraud"]) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([*DAYS, "--models", "oracle"], "there is no model 'oracle'"),
        ([*DAYS, "--models", " ,"], "names no model"),
        ([*DAYS, "--models", "gradient_boosting"], "'gradient_boosting' learns from labels: add --labels delayed"),
        ([*DAYS, "--bundle", "b"], "choose one: --bundle"),
        ([*DAYS, "--warm-up-days", "3"], "--warm-up-days is for a finished bundle"),
        (["--bundle", "b", "--models", "vae"], "--models is for models that are trained here"),
        ([*DAYS, "--preset", "no-such"], "there is no preset 'no-such'"),
        ([*DAYS, "--preset", "handbook", "--mapping", "m.toml"], "choose one mapping"),
        ([*DAYS, "out.json"], "write --json before it"),
        ([*DAYS, "--preset", "handbook", "--label", "fraud"], "name the label in the mapping"),
        (["--preset", "handbook", "--episode", "burst"], "--episode needs payments with canonical names"),
        (["--train-start", "soon"], "'soon' is no date"),
    ],
)
def test_contradictions_are_explained(app: typer.Typer, canonical: Path, flags: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["--data", str(canonical), *flags])
    assert isinstance(result.exception, SettingsError)
    assert said in str(result.exception)


def test_a_preset_that_does_not_fit_names_the_column(app: typer.Typer, canonical: Path) -> None:
    result = CliRunner().invoke(app, ["--data", str(canonical), "--preset", "handbook", *DAYS])
    assert isinstance(result.exception, ArchiveError)
    assert "'TRANSACTION_ID'" in str(result.exception)


def test_a_comparison_is_drawn_and_its_curves_are_kept(app: typer.Typer, canonical: Path, tmp_path: Path) -> None:
    plots = tmp_path / "new" / "plots"
    flags = [*DAYS, *QUICK, "--seeds", "2", "--plots", str(plots), "--json"]
    result = CliRunner().invoke(app, ["--data", str(canonical), *flags])
    assert result.exit_code == 0, result.output
    assert_pictures(plots, {"models", "precision_recall", "recall_by_alert_rate", "quality_and_speed"})
    drawn = (plots / "models.svg").read_text(encoding="utf-8")
    entries = json.loads(result.stdout)["models"]
    assert all(f"<!-- {entry['model']} -->" in drawn for entry in entries)
    for entry in entries:
        curves = entry["curves"]
        assert np.interp(0.01, curves["alert_rate"], curves["recall_at_rate"]) == pytest.approx(
            entry["figures"]["recall_at"]["0.01"], abs=0.05
        )
        area = np.trapezoid(curves["precision"], curves["recall"])
        assert area == pytest.approx(entry["figures"]["average_precision"], abs=0.1)


def assert_pictures(folder: Path, names: set[str]) -> None:
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(files) == {f"{name}.{form}" for name in names for form in ("svg", "png")}
    for name, content in files.items():
        assert content.startswith(b"\x89PNG" if name.endswith("png") else b"<?xml"), name


def test_without_the_package_that_draws_nothing_is_trained(
    app: typer.Typer, canonical: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    out = tmp_path / "out.json"
    flags = ["--data", str(canonical), *DAYS, *QUICK, "--plots", str(tmp_path / "plots"), "--json", str(out)]
    result = CliRunner().invoke(app, flags)
    assert isinstance(result.exception, EnvironmentFault)
    assert "fraud-streamer[train]" in str(result.exception)
    assert not out.exists()


def test_a_file_in_the_place_of_the_folder_is_told_before_the_work(
    app: typer.Typer, canonical: Path, tmp_path: Path
) -> None:
    place = tmp_path / "plots"
    place.write_text("notes", encoding="utf-8")
    result = CliRunner().invoke(app, ["--data", str(canonical), *DAYS, *QUICK, "--plots", str(place)])
    assert isinstance(result.exception, EnvironmentFault)
    assert str(place) in str(result.exception)
