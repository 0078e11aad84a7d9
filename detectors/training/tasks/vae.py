"""Training of the VAE: the evidence lower bound."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from detectors.api import FeatureTable, Windows
from detectors.models.vae import Vae, VaeInputs, VaeNetwork
from detectors.scaling import LEAST, MOST, Scaling
from detectors.training.config import TrainingConfig
from detectors.training.dataset import Examples, checked
from detectors.training.tasks.base import Loss, Step
from detectors.training.tensors import device_of, tensors_for


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
        self._checked = VaeInputs.of(checked(Examples(held_back)).windows, scaling, table)

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

    def _loss(self, inputs: VaeInputs, noise: Tensor, beta: float) -> Loss:
        window, undirected, directed = tensors_for(self._network, inputs.window, inputs.undirected, inputs.directed)
        noise = noise.to(device_of(self._network))
        surprise, divergence = self._network.losses(window, undirected, directed.clamp(LEAST, MOST), noise)
        told, strayed = surprise.mean(), divergence.sum(dim=1).mean()
        return Loss(told + beta * strayed, {"surprise": told.detach(), "kl": strayed.detach()})
