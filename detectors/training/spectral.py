"""Spectral normalisation of a whole network, put on for training and taken off again.

Each matrix is divided by its largest singular value, which keeps what a network says from
changing faster than what it reads. Miyato et al. 2018.
"""

from torch import nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm


def normalise(network: nn.Module, *, but: nn.Linear) -> None:
    """Normalise all linear layers of a network in place.

    Args:
        network: of any backbone: all their matrices stand in linear layers.
        but: the layer that gives logits their scale: one of norm 1 could not be sure of anything.
    """
    for layer in list(network.modules()):
        if isinstance(layer, nn.Linear) and layer is not but:
            spectral_norm(layer)


def settle(network: nn.Module) -> None:
    """Make the weights, as normalised last, the network's own, in place."""
    network.eval()
    for layer in list(network.modules()):
        if parametrize.is_parametrized(layer, "weight"):
            parametrize.remove_parametrizations(layer, "weight")
