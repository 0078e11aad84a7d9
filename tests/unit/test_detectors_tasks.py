"""Tasks: one loss for each network, computed where the networks are."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from detectors.api import Windows
from detectors.models.autoregressive import NextEventNetwork
from detectors.models.backbones import BACKBONES
from detectors.models.classifier import ClassifierNetwork
from detectors.models.gan import Discriminator, Generator
from detectors.models.vae import VaeNetwork
from detectors.scaling import Scaling
from detectors.threads import use_one_thread
from detectors.training.config import TrainingConfig
from detectors.training.dataset import Examples
from detectors.training.lightning import run
from detectors.training.lightning.run import precision
from detectors.training.loop import train
from detectors.training.tasks.autoregressive import AutoregressiveTask
from detectors.training.tasks.base import Step, Task
from detectors.training.tasks.classifier import ClassifierTask
from detectors.training.tasks.gan import GanTask
from detectors.training.tasks.masking import MaskedFieldModel, MaskingTask
from detectors.training.tasks.vae import VaeTask
from streamer.state.features import TABLE
from tests.conftest import SMALL_WORLD
from tests.helpers.windows import read_only, simulated_windows

CONFIG = TrainingConfig(epochs=2, batch_size=64)
STEP = Step(at=0.5, key=(0,))


def examples() -> Examples:
    windows = read_only(simulated_windows(SMALL_WORLD, 15)[0].rows(slice(2_000, 2_300)))
    fraud = np.arange(300) % 7 == 0
    fraud.setflags(write=False)
    return Examples(windows, fraud)


def gan(windows: Windows, scaling: Scaling) -> Task:
    networks = Discriminator(CONFIG.gan, TABLE), Generator(CONFIG.gan, TABLE)
    return GanTask(networks, scaling, TABLE, windows, CONFIG)


def classifier(_: Windows, scaling: Scaling) -> Task:
    network = ClassifierNetwork(CONFIG.classifier, TABLE)
    return ClassifierTask(network, scaling, examples(), examples(), CONFIG)


TASKS: dict[str, Callable[[Windows, Scaling], Task]] = {
    "vae": lambda windows, scaling: VaeTask(VaeNetwork(CONFIG.vae, TABLE), scaling, TABLE, windows, CONFIG),
    "gan": gan,
    "autoregressive": lambda windows, scaling: AutoregressiveTask(
        NextEventNetwork(CONFIG.autoregressive, TABLE), scaling, TABLE, windows
    ),
    "classifier": classifier,
    "masking": lambda windows, scaling: MaskingTask(MaskedFieldModel("tcn", 24, TABLE), scaling, TABLE, windows, 0),
}


@pytest.fixture(params=TASKS)
def task(request: pytest.FixtureRequest) -> Task:
    use_one_thread()
    windows = examples().windows
    return TASKS[request.param](windows, Scaling.fit(windows, TABLE))


def test_there_is_a_loss_for_each_network_that_moves_it_alone(task: Task) -> None:
    for network, loss in zip(task.networks, task.losses(examples(), STEP), strict=True):
        assert loss.total.shape == ()
        gradients = torch.autograd.grad(loss.total, list(network.parameters()))
        assert all(gradient.abs().sum() > 0 for gradient in gradients)


def test_losses_are_computed_where_the_networks_are(task: Task) -> None:
    """A tensor of torch's meta device refuses to meet one that is elsewhere."""
    for network in task.networks:
        network.to("meta")
    assert {loss.total.device.type for loss in task.losses(examples(), STEP)} == {"meta"}


def test_training_lowers_what_is_judged_by(task: Task) -> None:
    def judged() -> float:
        task.networks[0].eval()
        with torch.inference_mode():
            return task.held_back_loss()

    before = judged()
    train(task, examples(), CONFIG, lambda _: None)
    assert judged() < before
    assert not task.networks[0].training


def test_brain_floats_train_as_well_and_leave_single_ones(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    """What GPUs compute in, on the CPU."""
    monkeypatch.setattr(run, "precision", lambda *, half: precision(half=not half))
    test_training_lowers_what_is_judged_by(task)
    assert {parameter.dtype for parameter in task.networks[0].parameters()} == {torch.float32}


def test_without_labels_a_classifier_has_no_task() -> None:
    bare = Examples(examples().windows)
    with pytest.raises(ValueError, match="learns from labels"):
        ClassifierTask(
            ClassifierNetwork(CONFIG.classifier, TABLE), Scaling.fit(bare.windows, TABLE), bare, bare, CONFIG
        )


@pytest.mark.parametrize("backbone", BACKBONES)
def test_backbones_compute_where_their_windows_are(backbone: str) -> None:
    network = MaskedFieldModel(backbone, 24, TABLE).to("meta")
    window = torch.zeros(3, TABLE.window, TABLE.steps + 2, device="meta")
    assert network(window, window[:, :, :-1] > 0).device.type == "meta"
    assert network.backbone(window).device.type == "meta"
