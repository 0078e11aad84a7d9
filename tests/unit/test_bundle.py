"""Bundles: what is saved is what is loaded, and nothing damaged or foreign is."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from detectors.api import FeatureTable, InvalidBundle, Windows
from detectors.bundle import load_bundle, save_bundle
from detectors.ensemble import Ensemble
from detectors.manifest import Provenance
from detectors.models.tails import FeatureTails
from streamer.bundles import open_bundle
from streamer.errors import BundleError
from streamer.state.features import TABLE
from tests.helpers.small_bundles import drawn_windows

MADE = Provenance(
    bundle_id="b",
    version="3",
    created_at=1,
    code_version="0",
    trained_from=1,
    trained_until=2,
    rows={"fit": 2},
    seed=0,
    typical=(0.5,) * len(TABLE.features),
    metrics={},
)


def risky_windows(count: int) -> Windows:
    windows = drawn_windows(count, seed=9)
    risk = np.array([feature.risk for feature in TABLE.features], np.float32)
    return Windows(windows.steps, windows.length, windows.last + 3 * risk)


@pytest.fixture
def ensemble() -> Ensemble:
    windows = drawn_windows(3_000, seed=0)
    detectors = [FeatureTails.fit(windows, TABLE)]
    return Ensemble.calibrate(detectors, drawn_windows(2_000, seed=1), risky_windows(500))


@pytest.fixture
def folder(ensemble: Ensemble, tmp_path: Path) -> Path:
    save_bundle(tmp_path / "bundle", ensemble, TABLE, MADE)
    return tmp_path / "bundle"


def test_a_loaded_bundle_judges_the_same_bits(folder: Path, ensemble: Ensemble) -> None:
    windows = drawn_windows(500, seed=2)
    loaded = load_bundle(folder, TABLE)
    before, after = ensemble.judge(windows), loaded.ensemble.judge(windows)
    assert after.raw.tobytes() == before.raw.tobytes()
    assert after.risk.tobytes() == before.risk.tobytes()
    assert loaded.ensemble.explain(windows).tobytes() == ensemble.explain(windows).tobytes()
    assert loaded.manifest.made.version == "3"
    assert loaded.typical.tolist() == list(MADE.typical)


def test_a_bundle_is_never_changed(folder: Path, ensemble: Ensemble) -> None:
    with pytest.raises(FileExistsError):
        save_bundle(folder, ensemble, TABLE, MADE)


def test_a_half_written_bundle_leaves_no_folder(tmp_path: Path, ensemble: Ensemble) -> None:
    leftover = tmp_path / "bundle.unfinished"
    leftover.mkdir()
    (leftover / "stray").write_text("of an interrupted save")
    save_bundle(tmp_path / "bundle", ensemble, TABLE, MADE)
    assert not leftover.exists()
    assert not (tmp_path / "bundle" / "stray").exists()


@pytest.mark.parametrize("name", ["tails.safetensors", "ensemble.safetensors"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove", "grow"])
def test_a_damaged_file_is_named(folder: Path, name: str, damage: str) -> None:
    path = folder / name
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 1
    path.unlink() if damage == "remove" else path.write_bytes(
        bytes(data[:-1] if damage == "cut" else [*data, 0] if damage == "grow" else data)
    )
    with pytest.raises(InvalidBundle, match=name):
        load_bundle(folder, TABLE)


def rewrite(folder: Path, **changes: object) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | changes))


def test_another_format_is_refused(folder: Path) -> None:
    rewrite(folder, format=99)
    with pytest.raises(InvalidBundle, match="99"):
        load_bundle(folder, TABLE)


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", '{"format": 1}'])
def test_what_is_no_manifest_is_refused(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(InvalidBundle, match=r"manifest|format"):
        load_bundle(folder, TABLE)


def test_files_outside_the_folder_are_refused(folder: Path) -> None:
    outside = folder.parent / "outside.safetensors"
    outside.write_bytes((folder / "tails.safetensors").read_bytes())
    entries = json.loads((folder / "manifest.json").read_text())["files"]
    rewrite(folder, files=[{**entries[1], "name": "../outside.safetensors"}, entries[0]])
    with pytest.raises(InvalidBundle, match=r"outside\.safetensors"):
        load_bundle(folder, TABLE)


def test_an_unknown_kind_of_detector_is_refused(folder: Path) -> None:
    rewrite(folder, detectors=[{"kind": "oracle", "file": "tails.safetensors", "config": {}}])
    with pytest.raises(InvalidBundle, match="oracle"):
        load_bundle(folder, TABLE)


def test_typical_values_of_other_features_are_refused(folder: Path) -> None:
    made = json.loads((folder / "manifest.json").read_text())["made"]
    rewrite(folder, made={**made, "typical": [1.0]})
    with pytest.raises(InvalidBundle, match="typical"):
        load_bundle(folder, TABLE)


FIRST = TABLE.features[0]


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (FeatureTable(TABLE.features, window=64), "64|32 steps"),
        (FeatureTable(TABLE.features[:-1], window=32), "history"),
        (FeatureTable((dataclasses.replace(FIRST, unit="EUR"), *TABLE.features[1:]), window=32), "log_amount.*unit"),
        (FeatureTable((dataclasses.replace(FIRST, risk=-1), *TABLE.features[1:]), window=32), "log_amount.*risk"),
        (FeatureTable((TABLE.features[1], FIRST, *TABLE.features[2:]), window=32), "order"),
        (FeatureTable((*TABLE.features, dataclasses.replace(FIRST, name="fresh")), window=32), "fresh"),
    ],
)
def test_other_features_are_named(folder: Path, table: FeatureTable, told: str) -> None:
    with pytest.raises(InvalidBundle, match=told):
        load_bundle(folder, table)


def test_a_missing_bundle_tells_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="streamer train"):
        open_bundle(None)
    with pytest.raises(BundleError, match=r"manifest\.json"):
        open_bundle(tmp_path / "absent")
