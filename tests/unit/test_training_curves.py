"""What a training writes for TensorBoard, read back by TensorBoard."""

import re
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar import layout_pb2

from detectors.threads import use_one_thread
from detectors.training.config import Folders, Progress, TrainingConfig
from detectors.training.dataset import split_by_time
from detectors.training.fit import fit_gan, fit_vae
from streamer.state.features import TABLE
from tests.conftest import SMALL_WORLD
from tests.helpers.windows import simulated_windows

CONFIG = TrainingConfig(seed=3, epochs=2, batch_size=64, free_bits=0.0)
STEPS = 24


class Killed(Exception):
    pass


@pytest.fixture(scope="module")
def curves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    use_one_thread()
    parts = split_by_time(simulated_windows(SMALL_WORLD, 15)[0].rows(slice(0, 1_000)), 0.2)
    folder = tmp_path_factory.mktemp("curves")
    folders = Folders(folder / "work", curves=folder)

    def kill(now: Progress) -> None:
        if now.step == 20:
            raise Killed

    with pytest.raises(Killed):
        fit_vae(parts, TABLE, CONFIG, kill, folders=folders)
    fit_vae(parts, TABLE, CONFIG, lambda _: None, folders=folders)
    fit_gan(parts, TABLE, CONFIG, lambda _: None, folders=folders)
    return folder


def read(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder))
    events.Reload()
    return events


def test_losses_and_their_parts_are_curves(curves: Path) -> None:
    vae, gan = read(curves / "vae"), read(curves / "gan")
    assert {"loss/training", "loss/held_back", "learning_rate", "parts/kl", "parts/surprise"} <= set(
        vae.Tags()["scalars"]
    )
    balance = {f"balance/{name}" for name in ("real_taken_for_real", "corrupted_found", "generated_found")}
    assert balance <= set(gan.Tags()["scalars"])
    for name in balance:
        assert all(0 <= each.value <= 1 for each in gan.Scalars(name))
    loss, told, strayed = (vae.Scalars(name)[-1].value for name in ("loss/training", "parts/surprise", "parts/kl"))
    assert loss == pytest.approx(told + strayed, rel=1e-5)


def test_a_training_that_went_on_draws_each_step_once(curves: Path) -> None:
    steps = [each.step for each in read(curves / "vae").Scalars("loss/training")]
    assert steps == [0, 10, 20]
    assert [each.step for each in read(curves / "vae").Scalars("loss/held_back")] == [11, 23]


@pytest.mark.parametrize("model", ["vae", "gan"])
def test_scores_are_histograms_and_the_curve_of_precision_is_a_picture(curves: Path, model: str) -> None:
    events = read(curves / model)
    assert set(events.Tags()["histograms"]) == {"scores/held_back", "scores/corrupted"}
    assert events.Histograms("scores/held_back")[-1].histogram_value.num == 200
    pictures = {"scores", "precision_recall"} | ({"reconstruction"} if model == "vae" else set())
    assert set(events.Tags()["images"]) == pictures
    for name in pictures:
        assert events.Images(name)[-1].encoded_image_string.startswith(b"\x89PNG")
        assert events.Images(name)[-1].width > 300
        assert len(events.Images(name)[-1].encoded_image_string) > 5_000


def test_curves_that_belong_together_share_a_chart(curves: Path) -> None:
    (event,) = read(curves / "gan").Tensors("custom_scalars__config__")
    (category,) = layout_pb2.Layout.FromString(event.tensor_proto.string_val[0]).category
    charts = {chart.title: list(chart.multiline.tag) for chart in category.chart}
    assert charts.keys() == {"loss", "balance", "parts"}
    assert charts["loss"] == ["^loss/training$", "^loss/held_back$"]
    tags = read(curves / "gan").Tags()["scalars"]
    for chart in charts.values():
        assert all(any(re.search(each, tag) for tag in tags) for each in chart)
