"""Masked field modelling: fields of windows are hidden and told from what is around them.

It needs no labels and no idea of fraud, only payments: a backbone that can say what a payment must
have been like knows habits. Devlin et al. 2019, with fields in the place of words.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from detectors.api import FeatureTable, Windows
from detectors.models.backbones import make_backbone
from detectors.scaling import EXTRA_CHANNELS, Scaling
from detectors.training.dataset import Examples, checked
from detectors.training.tasks.base import Loss, Step
from detectors.training.tensors import device_of

_STEPS_HIDDEN, _FIELDS_HIDDEN = 0.1, 0.1
"""Shares of steps that are hidden as a whole, and of groups of fields that are hidden alone."""

_TOGETHER = (
    ("log_amount", "amount_ratio", "merchant_amount_ratio"),
    ("quickness", "quickness_ratio"),
    ("hour_sin", "hour_cos", "hour_rarity"),
)
"""Features that tell each other; one of them alone would only have to be copied."""


class MaskedFieldModel(nn.Module):
    """A backbone, what it reads in the place of what is hidden, and what it says of each step."""

    def __init__(self, backbone: str, width: int, table: FeatureTable) -> None:
        """Make the layers.

        Args:
            backbone: a name in BACKBONES.
            width: D.
            table: F features.
        """
        super().__init__()
        channels = table.steps + EXTRA_CHANNELS
        self.backbone = make_backbone(backbone, table.window, channels, width)
        self.hidden = nn.Parameter(torch.zeros(channels - 1))
        # Each step has its own: not every backbone describes neighbouring steps apart.
        self.head = nn.Parameter(torch.randn(table.window, width, channels - 1) / width**0.5)
        self.bias = nn.Parameter(torch.zeros(channels - 1))

    def forward(self, window: Tensor, chosen: Tensor) -> Tensor:
        """Tell what the fields of all steps are: (B, T, C), (B, T, C-1) bool of what is hidden -> (B, T, C-1)."""
        fields = torch.where(chosen, self.hidden, window[:, :, :-1])
        described = self.backbone.steps(torch.cat([fields, window[:, :, -1:]], dim=2))
        return torch.einsum("btd,tdc->btc", described, self.head) + self.bias


class MaskingTask:
    """The loss is the mean squared error of what was hidden, in scaled units."""

    def __init__(
        self,
        network: MaskedFieldModel,
        scaling: Scaling,
        table: FeatureTable,
        held_back: Windows,
        seed: int,
        *,
        name: str = "pretraining",
    ) -> None:
        """Take a network to train; the epoch that tells hidden fields of `held_back` best is kept."""
        self.name = name
        self._network = network
        self._scaling = scaling
        self._groups = groups_of(table)
        window = torch.from_numpy(scaling.window(checked(Examples(held_back)).windows))
        self._checked = window, hide(window, self._groups, torch.Generator().manual_seed(seed))

    @property
    def networks(self) -> Sequence[nn.Module]:
        """See `Task.networks`."""
        return (self._network,)

    def losses(self, batch: Examples, step: Step) -> Iterator[Loss]:
        """See `Task.losses`."""
        window = torch.from_numpy(self._scaling.window(batch.windows))
        yield Loss(self._loss(window, hide(window, self._groups, step.noise())))

    def held_back_loss(self) -> float:
        """See `Task.held_back_loss`."""
        return self._loss(*self._checked).item()

    def _loss(self, window: Tensor, chosen: Tensor) -> Tensor:
        window, chosen = (each.to(device_of(self._network)) for each in (window, chosen))
        error = (self._network(window, chosen) - window[:, :, :-1]).square()
        loss: Tensor = (error * chosen).sum() / chosen.sum().clamp(min=1)
        return loss


def groups_of(table: FeatureTable) -> Tensor:
    """Return which channels are hidden together: (G, C-1) bool; each channel is in one group."""
    names = [feature.name for feature in table.features[: table.steps]]
    groups = [[table.column(name) for name in together] for together in _TOGETHER]
    groups += [[column] for column, name in enumerate(names) if not any(name in together for together in _TOGETHER)]
    # The centred amount stands behind the features and tells the amount.
    groups[0].append(table.steps)
    chosen = torch.zeros(len(groups), table.steps + EXTRA_CHANNELS - 1, dtype=torch.bool)
    for row, columns in enumerate(groups):
        chosen[row, columns] = True
    return chosen


def hide(window: Tensor, groups: Tensor, draws: torch.Generator) -> Tensor:
    """Choose what to hide of real steps: (B, T, C), (G, C-1) -> (B, T, C-1) bool."""
    rows, steps, _ = window.shape
    whole = torch.rand(rows, steps, 1, generator=draws) < _STEPS_HIDDEN
    alone = torch.rand(rows, steps, len(groups), generator=draws) < _FIELDS_HIDDEN
    fields = ((whole | alone).float() @ groups.float()) > 0
    return fields & (window[:, :, -1:] > 0)
