"""Training of the VAE: the evidence lower bound."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from detectors.api import FeatureTable, Windows
from detectors.chunks import in_chunks
from detectors.models.trained import Trained
from detectors.models.vae import Vae, VaeConfig, VaeInputs, VaeNetwork, deviations
from detectors.scaling import LEAST, MOST, Scaling
from detectors.training.config import TrainingConfig
from detectors.training.dataset import Examples, checked
from detectors.training.tasks.base import Loss, Step
from detectors.training.tasks.view import Expectation, Pair, View
from detectors.training.tensors import device_of, tensors_for

_SHOWN = 24
"""Windows whose expectations are shown, about."""


class VaeTask:
    """The weight of the divergence grows from 0 to beta: at first z is free to carry something."""

    name = Vae.name

    def __init__(
        self, network: VaeNetwork, scaling: Scaling, table: FeatureTable, held_back: Windows, config: TrainingConfig
    ) -> None:
        """Take a network to train; the epoch that expects `held_back` best is kept."""
        self._network = network
        self._scaling = scaling
        self._table = table
        self._config = config
        self._judged = checked(Examples(held_back)).windows
        self._checked = VaeInputs.of(self._judged, scaling, table)

    @property
    def networks(self) -> Sequence[nn.Module]:
        """See `Task.networks`."""
        return (self._network,)

    def losses(self, batch: Examples, step: Step) -> Iterator[Loss]:
        """See `Task.losses`."""
        beta = self._config.beta * min(1.0, step.at / max(self._config.warm_up, 1e-9))
        noise = torch.randn(len(batch), self._network.latent, generator=step.noise())
        yield self._loss(VaeInputs.of(batch.windows, self._scaling, self._table), noise, beta)

    def held_back_loss(self) -> float:
        """See `Task.held_back_loss`: without noise, at the full weight."""
        noise = torch.zeros(len(self._checked.window), self._network.latent)
        return self._loss(self._checked, noise, self._config.beta).total.item()

    def view(self) -> View:
        """See `Viewable.view`."""
        trained = Trained(self._table, self._config.vae, self._scaling, self._network)
        pair = Pair.of(self._judged, self._table)
        view = pair.scored(Vae.calibrate(trained, self._judged))
        shown = slice(None, None, max(len(self._judged) // _SHOWN, 1))
        return replace(
            view,
            of_ordinary=self._expectation(trained, pair.ordinary.rows(shown)),
            of_suspicious=self._expectation(trained, pair.suspicious.rows(shown)),
        )

    def _expectation(self, trained: Trained[VaeConfig, VaeNetwork], windows: Windows) -> Expectation:
        inputs = VaeInputs.of(windows, self._scaling, self._table)
        mean, _ = np.split(in_chunks(self._network, inputs.window, inputs.undirected), 2, axis=1)
        names = tuple(feature.name for feature in self._table.features if feature.risk != 0)
        return Expectation(names, inputs.directed, mean, deviations(trained, windows))

    def _loss(self, inputs: VaeInputs, noise: Tensor, beta: float) -> Loss:
        window, undirected, directed = tensors_for(self._network, inputs.window, inputs.undirected, inputs.directed)
        noise = noise.to(device_of(self._network))
        surprise, divergence = self._network.losses(window, undirected, directed.clamp(LEAST, MOST), noise)
        told, strayed = surprise.mean(), divergence.mean(dim=0)
        cost = strayed.clamp(min=self._config.free_bits).sum()
        return Loss(told + beta * cost, {"surprise": told.detach(), "kl": strayed.sum().detach()})
