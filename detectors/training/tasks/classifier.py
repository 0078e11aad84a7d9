"""Training of the classifier: losses that hear the few frauds among the many others."""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from detectors.models.classifier import Classifier, ClassifierNetwork
from detectors.models.verdict import verdict_inputs
from detectors.scaling import Scaling
from detectors.training.config import TrainingConfig
from detectors.training.dataset import Examples, checked
from detectors.training.tasks.base import Loss, Step
from detectors.training.tensors import device_of, tensors_for

_FOCUS = 2.0


class ClassifierTask:
    """Frauds weigh more than others, by the root of how much rarer they are."""

    name = Classifier.name

    def __init__(
        self, network: ClassifierNetwork, scaling: Scaling, fit: Examples, held_back: Examples, config: TrainingConfig
    ) -> None:
        """Take a network to train; the epoch that tells the frauds of `held_back` best is kept.

        Raises:
            ValueError: the examples have no labels, or those to learn from are all of one kind.
        """
        self._network = network
        self._scaling = scaling
        self._focus = _FOCUS if config.focal else 0.0
        frauds = int(_labels(fit).sum().item())
        if frauds in {0, len(fit)}:
            raise ValueError(f"{frauds} of {len(fit)} windows are fraud: a classifier learns from both kinds")
        self._weight = math.sqrt((len(fit) - frauds) / frauds)
        self._checked = checked(held_back)

    @property
    def networks(self) -> Sequence[nn.Module]:
        """See `Task.networks`."""
        return (self._network,)

    def losses(self, batch: Examples, step: Step) -> Iterator[Loss]:  # noqa: ARG002 (the form of all tasks)
        """See `Task.losses`."""
        yield Loss(self._loss(batch))

    def held_back_loss(self) -> float:
        """See `Task.held_back_loss`."""
        return self._loss(self._checked).item()

    def _loss(self, examples: Examples) -> Tensor:
        """Return the weighted logistic loss; what is told easily counts less. Lin et al. 2017 (focal)."""
        inputs = tensors_for(self._network, *verdict_inputs(examples.windows, self._scaling))
        fraud = _labels(examples).to(device_of(self._network))
        towards = torch.where(fraud, 1.0, -1.0) * self._network(*inputs)
        missed = softplus(-towards)  # -ln of the probability of the truth
        return (torch.where(fraud, self._weight, 1.0) * torch.sigmoid(-towards) ** self._focus * missed).mean()


def _labels(examples: Examples) -> Tensor:
    if examples.fraud is None:
        raise ValueError("a classifier learns from labels: give them")
    return torch.tensor(examples.fraud)
