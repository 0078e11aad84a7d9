"""Back ends: how they are chosen, why they are refused, what they make of weights, and what is measured of them."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from typer.testing import CliRunner

from detectors.api import Detector, Floats, Windows
from detectors.backends import BACKENDS, EAGER, back_end
from detectors.backends.attach import objection
from detectors.backends.int8 import quantised
from detectors.backends.onnx import exported
from detectors.chunks import ROWS
from streamer.backends import AT_ONCE, Trial, best_of
from streamer.bundles import open_bundle
from streamer.cli.app import app
from streamer.cli.bundles_backends import measured_on, print_trial
from streamer.errors import ArchiveError, EnvironmentFault, SettingsError
from streamer.events.decode import decode
from streamer.settings import EventSettings, Settings, load
from streamer.simulate.source import SimulatedSource
from streamer.simulate.stream import simulate
from streamer.simulate.to_file import to_file
from tests.conftest import SMALL_WORLD
from tests.helpers.small_bundles import drawn_windows


@dataclass(frozen=True)
class Scorer:
    rule: Callable[[Windows], Floats]
    name: str = "scorer"

    def score(self, windows: Windows) -> Floats:
        return self.rule(windows)

    def explain(self, windows: Windows) -> Floats:
        return windows.last


def first_feature(windows: Windows) -> Floats:
    return windows.last[:, 0]


def test_an_unknown_back_end_is_named_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"no back end 'cuda': choose one of eager, onnx, int8"):
        back_end("cuda")
    with pytest.raises(SettingsError, match=r"worker\.backend: Input should be 'eager', 'onnx' or 'int8'"):
        load(overrides={"worker.backend": "cuda"})


def test_the_setting_names_every_back_end() -> None:
    assert [load(overrides={"worker.backend": name}).worker.backend for name in BACKENDS] == list(BACKENDS)


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (first_feature, None),
        (lambda windows: first_feature(windows) + np.float32(0.01), None),
        (lambda windows: first_feature(windows) * np.float32(2), "standard deviations; 0.1 are tolerated"),
        (lambda windows: np.full(len(windows), np.nan, np.float32), "not finite"),
        (lambda windows: first_feature(windows) + np.float32(1e-3 * (len(windows) > 1)), "another score than among"),
    ],
    ids=["the same", "nearly", "elsewhere", "not a number", "by batch"],
)
def test_a_back_end_that_judges_otherwise_is_refused(rule: Callable[[Windows], Floats], fault: str | None) -> None:
    before: Detector = Scorer(first_feature)
    found = objection(before, Scorer(rule), drawn_windows(64, seed=0), tolerance=0.1)
    assert found is None if fault is None else fault in str(found)


@settings(max_examples=25, deadline=None)
@given(outputs=st.integers(1, 5), inputs=st.integers(1, 70), seed=st.integers(0, 2**32))
def test_a_weight_in_8_bits_lies_within_half_a_step(outputs: int, inputs: int, seed: int) -> None:
    matrix = np.random.default_rng(seed).standard_normal((outputs, inputs)).astype(np.float32)
    steps, size = quantised(matrix)
    restored = ((steps.astype(np.float32) - 128) * size[:, :, None]).reshape(outputs, -1)
    assert (np.abs(restored[:, :inputs] - matrix) <= np.repeat(size, 32, axis=1)[:, :inputs] * 0.5001).all()
    assert not restored[:, inputs:].any()


class Layers(nn.Module):
    """Products of two and of three dimensions, with a bias and without."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = nn.Linear(40, 33)
        self.bare = nn.Linear(33, 20, bias=False)
        self.last = nn.Linear(60, 3)

    def forward(self, window: Tensor) -> Tensor:
        last: Tensor = self.last(self.bare(self.steps(window).relu()).flatten(1))
        return last


@pytest.mark.parametrize("backend", [name for name in BACKENDS if name != EAGER])
def test_a_back_end_computes_what_the_network_does(backend: str) -> None:
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        network, rows = Layers().eval(), torch.randn(70, 3, 40)
        prepared = back_end(backend).prepare(network, (rows[:32],))
        expected = network(rows)
    assert prepared.size > 0
    torch.testing.assert_close(prepared.compute(rows), expected, rtol=0, atol=0.03 if backend == "int8" else 1e-5)
    assert prepared.compute(rows[:2]).shape == (2, 3)


def test_weights_in_8_bits_take_a_third() -> None:
    network = nn.Sequential(nn.Linear(256, 256)).eval()
    example = (torch.zeros(4, 256),)
    sizes = {name: BACKENDS[name].prepare(network, example).size for name in BACKENDS}
    assert sizes["int8"] < sizes["eager"] / 3 < sizes["onnx"]


def test_a_network_that_torch_cannot_express_as_a_graph_is_refused() -> None:
    class Moody(nn.Module):
        def forward(self, rows: Tensor) -> Tensor:
            return rows if rows.sum().item() > 0 else -rows

    with pytest.raises(ValueError, match="torch cannot export its network"):
        exported(Moody(), (torch.ones(4, 2),))


def test_without_the_extra_it_is_named(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(EnvironmentFault, match=r"pip install 'fraud-streamer\[onnx\]', or set worker.backend to eager"):
        open_bundle(bundle, "onnx")


def test_a_bundle_scores_by_the_back_end_that_is_asked_for(bundle: Path) -> None:
    windows = drawn_windows(ROWS + 1, seed=3)
    plain, by_onnx = (open_bundle(bundle, name).ensemble.judge(windows) for name in ("eager", "onnx"))
    assert plain.raw.tobytes() != by_onnx.raw.tobytes()
    np.testing.assert_allclose(by_onnx.tails, plain.tails, atol=0.01)


def payments(folder: Path, count: int) -> Path:
    path = folder / "payments.jsonl"
    to_file(islice(simulate(SMALL_WORLD), count), path)
    return path


def test_too_few_payments_are_refused(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"holds 40 payments; 1024 are needed"):
        measured_on(Settings(), bundle, payments(tmp_path, 40), 1)


def test_simulated_payments_are_read_to_their_end() -> None:
    source = SimulatedSource(islice(simulate(SMALL_WORLD), 5))
    polls = [source.poll(timeout_s=0, max_records=3) for _ in range(3)]
    assert [[record.offset for record in records] for records in polls] == [[0, 1, 2], [3, 4], []]
    assert not decode(polls[0], EventSettings())[1]


def test_all_back_ends_are_measured_on_a_bundle(bundle: Path, tmp_path: Path) -> None:
    data = payments(tmp_path, max(AT_ONCE))
    told = CliRunner().invoke(app, ["bundles", "backends", str(bundle), "--data", str(data), "--json"])
    assert told.exit_code == 0, told.output
    document = json.loads(told.output)
    judges = {(each["judge"], each["backend"]) for each in document["measured"]}
    assert judges == {(judge, backend) for judge in ("vae", "gan", "ensemble") for backend in BACKENDS}
    for each in document["measured"]:
        assert set(each["per_second"]) == {str(rows) for rows in AT_ONCE}
        assert all(speed > 0 for speed in each["per_second"].values())
        assert (each["tail"]["largest"] == 0) == (each["backend"] == EAGER)
    assert document["changed"][EAGER] == 0
    assert document["best"] in BACKENDS
    assert not document["refused"]


@pytest.mark.parametrize(("gain", "best"), [(1.05, EAGER), (1.2, "onnx"), (0.5, EAGER)])
def test_another_back_end_must_be_worth_it(gain: float, best: str) -> None:
    assert best_of({EAGER: {1: 100.0, 32: 1_000.0}, "onnx": {1: 100.0 * gain, 32: 1_000.0 * gain}}) == best


def test_a_refused_back_end_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    trial = Trial(9, 0, (), {}, {"onnx": "scores are not finite"}, EAGER)
    print_trial(trial, Console(width=200))
    told = capsys.readouterr().out
    assert "onnx is refused: scores are not finite" in told
    assert "best here: eager" in told
    print_trial(replace(trial, best="int8"), Console(width=200))
    assert "worker.backend=int8" in capsys.readouterr().out
