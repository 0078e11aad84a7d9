"""Arrays as tensors, where a network is."""

import torch
from torch import Tensor, nn

from detectors.api import Floats


def tensors_for(network: nn.Module, *arrays: Floats) -> tuple[Tensor, ...]:
    """Put arrays, which must not change as long as the tensors are used, on the device of a network."""
    device = device_of(network)
    return tuple(torch.from_numpy(each).to(device) for each in arrays)


def device_of(network: nn.Module) -> torch.device:
    """Return where the parameters of a network are."""
    return next(network.parameters()).device
