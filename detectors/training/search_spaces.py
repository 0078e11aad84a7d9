"""What a search chooses from, for each model that can be searched for."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from optuna.trial import Trial

from detectors.api import Detector, FeatureTable
from detectors.models.backbones import BACKBONES
from detectors.models.gan import GanConfig
from detectors.models.vae import VaeConfig
from detectors.training.config import Progress, TrainingConfig
from detectors.training.dataset import Parts
from detectors.training.fit import fit_gan, fit_vae
from detectors.training.found import Chosen
from detectors.training.loop import AfterEpoch

Report = Callable[[Progress], None]


class Fit(Protocol):
    """Trains a model."""

    def __call__(
        self,
        parts: Parts,
        table: FeatureTable,
        config: TrainingConfig,
        progress: Report,
        *,
        after_epoch: AfterEpoch | None,
    ) -> Detector:
        """Return a finished detector; see `fit_vae`."""
        ...


@dataclass(frozen=True, slots=True)
class Space:
    """What is searched for of a model.

    Attributes:
        fit: trains it.
        usual: what a configuration has of it.
        draw: chooses.
        apply: puts what was chosen into a configuration.
    """

    fit: Fit
    usual: Callable[[TrainingConfig], dict[str, float | str]]
    draw: Callable[[Trial], dict[str, float | str]]
    apply: Callable[[TrainingConfig, Chosen], TrainingConfig]


def _shared(trial: Trial) -> dict[str, float | str]:
    return {
        "backbone": trial.suggest_categorical("backbone", tuple(BACKBONES)),
        "learning_rate": trial.suggest_float("learning_rate", 5e-4, 8e-3, log=True),
        "batch_size": trial.suggest_categorical("batch_size", (128, 256, 512)),
        "weight_decay": trial.suggest_float("weight_decay", 1e-6, 1e-2, log=True),
        "width": trial.suggest_categorical("width", (16, 32, 64)),
        "hidden": trial.suggest_categorical("hidden", (32, 64, 96)),
    }


def _usual(config: TrainingConfig, network: VaeConfig | GanConfig) -> dict[str, float | str]:
    return {
        "backbone": network.backbone,
        "learning_rate": config.learning_rate,
        "batch_size": config.batch_size,
        "weight_decay": config.weight_decay,
        "width": network.width,
        "hidden": network.hidden,
    }


def _apply(config: TrainingConfig, chosen: Chosen) -> TrainingConfig:
    return replace(
        config,
        learning_rate=float(chosen["learning_rate"]),
        batch_size=int(chosen["batch_size"]),
        weight_decay=float(chosen["weight_decay"]),
    )


def _usual_vae(config: TrainingConfig) -> dict[str, float | str]:
    return {**_usual(config, config.vae), "beta": config.beta, "latent": config.vae.latent}


def _draw_vae(trial: Trial) -> dict[str, float | str]:
    return {
        **_shared(trial),
        "beta": trial.suggest_float("beta", 0.1, 4.0, log=True),
        "latent": trial.suggest_categorical("latent", (4, 8, 16)),
    }


def _apply_vae(config: TrainingConfig, chosen: Chosen) -> TrainingConfig:
    width, hidden, latent = (int(chosen[name]) for name in ("width", "hidden", "latent"))
    vae = replace(config.vae, backbone=str(chosen["backbone"]), width=width, hidden=hidden, latent=latent)
    return replace(_apply(config, chosen), beta=float(chosen["beta"]), vae=vae)


def _usual_gan(config: TrainingConfig) -> dict[str, float | str]:
    return {**_usual(config, config.gan), "generated_weight": config.generated_weight}


def _draw_gan(trial: Trial) -> dict[str, float | str]:
    return {**_shared(trial), "generated_weight": trial.suggest_float("generated_weight", 0.01, 1.0, log=True)}


def _apply_gan(config: TrainingConfig, chosen: Chosen) -> TrainingConfig:
    width, hidden = (int(chosen[name]) for name in ("width", "hidden"))
    gan = replace(config.gan, backbone=str(chosen["backbone"]), width=width, hidden=hidden)
    return replace(_apply(config, chosen), generated_weight=float(chosen["generated_weight"]), gan=gan)


SEARCHABLE: dict[str, Space] = {
    "vae": Space(fit_vae, _usual_vae, _draw_vae, _apply_vae),
    "gan": Space(fit_gan, _usual_gan, _draw_gan, _apply_gan),
}
