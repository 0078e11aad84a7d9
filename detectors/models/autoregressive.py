"""An autoregressive model: the density of the next event, field by field.

    window without its last event -> backbone ─> context (B, D) ─┐
    what is known before a field: user's means, earlier fields ──┴─> one head a field -> its density

The probability of an event is the product over its fields, each given the context and the fields
before it. The score is not that product: it would be drowned by fields that are always a little
surprising, and would count an unusually small amount. Each field's rarity towards risk is put on
a calibrated scale, and the rarest are added up; they are the reasons, too. Mixtures as outputs:
Bishop 1994; log-normal gaps: Shchur, Biloš and Günnemann 2020.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from detectors.api import FeatureTable, Floats, Windows
from detectors.models.backbones import make_backbone
from detectors.models.evidence import Evidence
from detectors.models.next_event import FIELDS, NextEvents, columns_of, known_by_field
from detectors.models.trained import Trained
from detectors.scaling import EXTRA_CHANNELS


@dataclass(frozen=True, slots=True)
class AutoregressiveConfig:
    """What the network is made of.

    Attributes:
        backbone: a name in BACKBONES.
        width: D, size of the summary of a window.
        hidden: width of each field's head.
    """

    backbone: str = "tcn"
    width: int = 32
    hidden: int = 32


class NextEventNetwork(nn.Module):
    """The network; P fields, G values that become known one after the other.

    Of the windows that it reads, the last event is not looked at.
    """

    def __init__(self, config: AutoregressiveConfig, table: FeatureTable) -> None:
        """Make the layers."""
        super().__init__()
        self.context = make_backbone(config.backbone, table.window, table.steps + EXTRA_CHANNELS, config.width)
        self.known = known_by_field()
        self.heads = nn.ModuleList(
            nn.Sequential(
                nn.Linear(config.width + known, config.hidden),
                nn.ReLU(),
                nn.Linear(config.hidden, field.density.outputs),
            )
            for field, known in zip(FIELDS, self.known, strict=True)
        )

    def densities(self, window: Tensor, known: Tensor) -> list[Tensor]:
        """Return the outputs of each field's head: (B, T, C), (B, G) -> P times (B, K)."""
        context = self.context.past(window)
        return [
            head(torch.cat([context, known[:, :count]], dim=1))
            for head, count in zip(self.heads, self.known, strict=True)
        ]

    def surprise(self, window: Tensor, known: Tensor, values: Tensor) -> Tensor:
        """Return -ln of each field's density: (B, T, C), (B, G), (B, P) -> (B, P)."""
        raws = self.densities(window, known)
        return torch.stack(
            [
                field.density.surprise(raw, values[:, at])
                for at, (field, raw) in enumerate(zip(FIELDS, raws, strict=True))
            ],
            dim=1,
        )

    def forward(self, window: Tensor, known: Tensor, values: Tensor) -> Tensor:
        """Return each field's rarity towards risk: (B, T, C), (B, G), (B, P) -> (B, P)."""
        raws = self.densities(window, known)
        return torch.stack(
            [
                field.density.rarity(raw, values[:, at])
                for at, (field, raw) in enumerate(zip(FIELDS, raws, strict=True))
            ],
            dim=1,
        )


@dataclass(frozen=True, slots=True)
class Autoregressive:
    """The detector: the rarest of the fields, taken together.

    Attributes:
        trained: the network and its inputs.
        evidence: how rare fields ordinarily are.
    """

    trained: Trained[AutoregressiveConfig, NextEventNetwork]
    evidence: Evidence

    name = "autoregressive"

    @classmethod
    def calibrate(cls, trained: Trained[AutoregressiveConfig, NextEventNetwork], held_back: Windows) -> Self:
        """Finish a trained network by windows that it was not trained on."""
        table = trained.table
        return cls(trained, Evidence.fit(rarities(trained, held_back), columns_of(table), len(table.features)))

    def score(self, windows: Windows) -> Floats:
        """See `Detector.score`: the sum of the largest tails."""
        return self.evidence.score(rarities(self.trained, windows))

    def explain(self, windows: Windows) -> Floats:
        """See `Detector.explain`: the tails of the fields that the score is the sum of."""
        return self.evidence.explain(rarities(self.trained, windows))

    def config(self) -> dict[str, object]:
        """Return what a bundle's manifest keeps."""
        return self.trained.config()

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return what a bundle keeps."""
        return {**self.trained.arrays(), **self.evidence.arrays()}

    @classmethod
    def load(cls, table: FeatureTable, config: Mapping[str, object], arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        """Restore what `config` and `arrays` gave.

        Raises:
            ValueError: an array is missing or does not fit, or the table lacks a field.
        """
        trained = Trained.load(AutoregressiveConfig, NextEventNetwork, table, config, arrays)
        try:
            columns = columns_of(table)
        except KeyError as error:
            raise ValueError(f"the feature table lacks {error}, which this model expects") from None
        return cls(trained, Evidence.of(arrays, columns, len(table.features)))


def rarities(trained: Trained[AutoregressiveConfig, NextEventNetwork], windows: Windows) -> Floats:
    """Return (B, P) -ln of the probability that a field is as risky as it is, given all before it."""
    return windows.once(trained, lambda: _rarities(trained, windows))


def _rarities(trained: Trained[AutoregressiveConfig, NextEventNetwork], windows: Windows) -> Floats:
    events = NextEvents.of(windows, trained.scaling, trained.table)
    return trained.outputs(trained.scaling.window(windows), events.known, events.values)
