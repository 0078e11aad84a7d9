"""What a search for hyper-parameters ends with."""

from collections.abc import Mapping
from dataclasses import dataclass

from detectors.training.config import TrainingConfig


@dataclass(frozen=True, slots=True)
class Found:
    """What a search ended with.

    Attributes:
        config: the best one.
        chosen: what was searched for, by name.
        value: area under the ROC curve of the best trial.
        before: that of the first trial.
    """

    config: TrainingConfig
    chosen: Mapping[str, float]
    value: float
    before: float
