"""Self-supervised pre-training: a backbone that knows payments before it learns a task."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from detectors.api import FeatureTable
from detectors.models.backbones import BACKBONES
from detectors.models.backbones.base import Backbone
from detectors.scaling import Scaling
from detectors.training.config import NOWHERE, Folders, Progress, TrainingConfig
from detectors.training.dataset import Examples, Parts
from detectors.training.loop import seeded, train
from detectors.training.tasks.masking import MaskedFieldModel, MaskingTask


@dataclass(frozen=True, slots=True)
class Pretrained:
    """Weights from which the backbone of any model can start.

    Attributes:
        backbone: a name in BACKBONES.
        width: D.
        weights: by name.
    """

    backbone: str
    width: int
    weights: Mapping[str, Tensor]

    def begin(self, backbone: Backbone) -> None:
        """Give a backbone these weights.

        Raises:
            ValueError: it is another one, or of another size.
        """
        if type(backbone) is not BACKBONES[self.backbone] or backbone.width != self.width:
            raise ValueError(
                f"pre-trained was {self.backbone} of width {self.width}, not {type(backbone).__name__} of width "
                f"{backbone.width}: choose the same for both"
            )
        try:
            backbone.load_state_dict(dict(self.weights))
        except RuntimeError as error:
            raise ValueError(f"the pre-trained weights do not fit: {error}") from error


def pretrain(
    parts: Parts,
    table: FeatureTable,
    config: TrainingConfig,
    progress: Callable[[Progress], None],
    *,
    backbone: str,
    width: int,
    folders: Folders = NOWHERE,
) -> Pretrained:
    """Train a backbone by masked field modelling; the epoch that tells held-back fields best is kept.

    Args:
        parts: windows; labels are not needed.
        table: their features.
        config: of the training.
        progress: told of every step.
        backbone: a name in BACKBONES.
        width: D.
        folders: a pre-training that was killed goes on from the checkpoints that it left there.
    """
    scaling = Scaling.fit(parts.fit, table)
    with seeded(config.seed + 4):
        network = MaskedFieldModel(backbone, width, table)
    task = MaskingTask(network, scaling, table, parts.held_back, config.seed, name=f"pretraining-{backbone}-{width}")
    train(task, Examples(parts.fit), config, progress, folders)
    return Pretrained(backbone, width, network.backbone.state_dict())
