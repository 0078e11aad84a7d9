"""Pictures of a comparison, as far as numbers can tell that they show what was found."""

from dataclasses import replace

import numpy as np

from streamer.curves import Curves, curves_of
from streamer.protocol.contest import Entry
from streamer.protocol.figures import Truth, figures_of
from streamer.protocol.panels import precision_recall, recall_by_alert_rate
from streamer.protocol.plots import draw
from streamer.protocol.scene import OTHERS, Scene

ROWS = 400
RNG = np.random.default_rng(0)
FRAUD = RNG.random(ROWS) < 0.1
TRUTH = Truth(np.zeros(ROWS, np.int64), np.arange(ROWS), FRAUD, np.ones(ROWS))


def entry(model: str, family: str | None, backbone: str | None, seed: int, skill: float) -> Entry:
    score = np.random.default_rng(seed).normal(size=ROWS) + skill * FRAUD
    figures = figures_of(score, TRUTH, cards_per_day=5)
    return Entry(model, family, backbone, model == "classifier", seed, figures, curves_of(score, FRAUD), 10, 1.0, 1e4)


ENTRIES = [
    *(entry("amount", None, None, seed, 1.0) for seed in (0, 1)),
    *(entry("tails", None, None, seed, 2.0) for seed in (0, 1)),
    *(entry("vae", "vae", "tcn", seed, 3.0) for seed in (0, 1)),
    *(entry("vae_lstm", "vae", "lstm", seed, 1.5) for seed in (0, 1)),
    *(entry("classifier", "classifier", "tcn", seed, 4.0) for seed in (0, 1)),
]
SCENE = Scene.of(ENTRIES, base=float(FRAUD.mean()), cards_per_day=5)


def test_models_are_grouped_by_family_and_measured_against_the_best_simple_one() -> None:
    assert {family: [model.variant for model in models] for family, models in SCENE.families.items()} == {
        OTHERS: ["amount", "tails"],
        "vae": ["tcn", "lstm"],
        "classifier": ["tcn"],
    }
    assert SCENE.yardstick is not None
    assert SCENE.yardstick.name == "tails"
    assert len(set(SCENE.family_colours.values())) == 3
    assert [len(model.entries) for model in SCENE.models] == [2] * 5


def test_lines_are_means_between_the_least_and_the_most() -> None:
    figure = recall_by_alert_rate(SCENE)
    panel = next(axes for axes in figure.axes if axes.get_title("left") == "vae")
    line = next(line for line in panel.get_lines() if line.get_label() == "lstm")
    seeds = [each.curves.recall_at_rate for each in ENTRIES if each.model == "vae_lstm"]
    np.testing.assert_allclose(np.asarray(line.get_ydata(), np.float64), np.mean(seeds, axis=0))
    assert [str(line.get_label()) for line in panel.get_lines()][:3] == ["tails", "tcn", "lstm"]


def test_precision_is_that_of_the_first_threshold_that_finds_enough() -> None:
    found = Curves(recall=(0.5, 1.0), precision=(1.0, 0.25), alert_rate=(1.0,), recall_at_rate=(1.0,))
    alone = Scene.of([replace(ENTRIES[0], curves=found)], base=0.1, cards_per_day=5)
    (panel,) = precision_recall(alone).axes
    line = next(line for line in panel.get_lines() if line.get_label() == "amount")
    across, precision = (np.asarray(values) for values in line.get_data())
    assert set(precision[across <= 0.5]) == {1.0}
    assert set(precision[across > 0.5]) == {0.25}


def test_the_same_comparison_gives_the_same_files() -> None:
    one, other = (draw(Scene.of(list(ENTRIES[4:6]), base=0.1, cards_per_day=5)) for _ in range(2))
    assert len(one) == 8
    assert one == other
