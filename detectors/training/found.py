"""What a search for hyper-parameters ends with."""

from collections.abc import Mapping
from dataclasses import dataclass

from detectors.training.config import TrainingConfig

Chosen = Mapping[str, float | str]
"""What was searched for, by name."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search ended with.

    Attributes:
        config: the best one.
        chosen: what was searched for, as it is there.
        value: area under the ROC curve of the best trial.
        before: that of the first trial.
        trials: that were made, in earlier searches too.
        given_up: how many of these were given up early.
    """

    config: TrainingConfig
    chosen: Chosen
    value: float
    before: float
    trials: int
    given_up: int
