"""How models are trained, and how far training is."""

from dataclasses import dataclass, field
from pathlib import Path

from detectors.models.autoregressive import AutoregressiveConfig
from detectors.models.classifier import ClassifierConfig
from detectors.models.gan import GanConfig
from detectors.models.vae import VaeConfig


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How models are trained.

    Attributes:
        seed: of all randomness.
        epochs: passes over the windows.
        batch_size: windows a step.
        held_back_share: share of the windows, the newest, that calibrate and are not learnt from.
        patience: training stops after so many epochs without a better one.
        learning_rate: at the start; falls to 0 along a cosine.
        weight_decay: AdamW's.
        longest_gradient: gradients of a network are cut to this norm.
        beta: weight of the VAE's divergence, reached after the warm-up.
        free_bits: nats of divergence that each dimension of the VAE's z has for nothing, lest it be given up.
            Kingma et al. 2016.
        warm_up: share of the steps in which beta grows from 0.
        generated_weight: weight of the generator's samples against the corruptions' 1.
        hinge: whether the GAN plays for margins of 1 (Lim and Ye 2017) instead of for probabilities; in simulated
            worlds its average precision was .05 to .1 lower.
        pretrain: whether backbones first learn to tell hidden fields of windows.
        focal: whether the classifier learns less from what it already tells easily.
        vae: the VAE's parts.
        gan: the GAN's parts.
        autoregressive: the autoregressive model's parts.
        classifier: the classifier's parts.
    """

    seed: int = 0
    epochs: int = 5
    batch_size: int = 256
    held_back_share: float = 0.2
    patience: int = 3
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    longest_gradient: float = 1.0
    beta: float = 1.0
    free_bits: float = 0.05
    warm_up: float = 0.2
    generated_weight: float = 0.1
    hinge: bool = False
    pretrain: bool = False
    focal: bool = True
    vae: VaeConfig = field(default_factory=VaeConfig)
    gan: GanConfig = field(default_factory=GanConfig)
    autoregressive: AutoregressiveConfig = field(default_factory=AutoregressiveConfig)
    classifier: ClassifierConfig = field(default_factory=ClassifierConfig)

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: names the value at fault.
        """
        if self.epochs < 1 or self.batch_size < 2:
            raise ValueError(f"epochs={self.epochs}, batch_size={self.batch_size}: at least 1 epoch of batches of 2")
        if not 0 < self.held_back_share < 1:
            raise ValueError(f"held_back_share={self.held_back_share}: choose above 0 and below 1")
        if self.free_bits < 0:
            raise ValueError(f"free_bits={self.free_bits}: at least 0")
        if self.patience < 1:
            raise ValueError(f"patience={self.patience}: at least 1 epoch")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far training is.

    Attributes:
        model: the detector's name.
        step: steps done, from 1.
        steps: steps in all.
        loss: of this step.
        windows: that this step learnt from, in all processes together.
    """

    model: str
    step: int
    steps: int
    loss: float
    windows: int


class DamagedCheckpoint(Exception):
    """A checkpoint cannot be gone on from; the text names the file, and why."""


@dataclass(frozen=True, slots=True)
class Folders:
    """Where a training leaves what it leaves beside a detector.

    Attributes:
        checkpoints: what is needed to go on after a kill; None keeps nothing.
        every: steps between two checkpoints within an epoch.
        curves: for TensorBoard; None draws none.
    """

    checkpoints: Path | None = None
    every: int = 2_000
    curves: Path | None = None


NOWHERE = Folders()
