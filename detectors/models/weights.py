"""Networks as arrays by name, and back."""

from collections.abc import Mapping
from dataclasses import fields
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

_PREFIX = "network"
_Network = TypeVar("_Network", bound=nn.Module)
_Config = TypeVar("_Config")


def under(prefix: str, arrays: Mapping[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
    """Return the arrays whose names begin with the prefix and a dot, by the rest of their names."""
    start = prefix + "."
    return {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}


def weights_of(network: nn.Module) -> dict[str, NDArray[np.generic]]:
    """Return copies of all parameters and buffers."""
    return {f"{_PREFIX}.{name}": tensor.detach().numpy().copy() for name, tensor in network.state_dict().items()}


def load_weights(network: _Network, arrays: Mapping[str, NDArray[np.generic]]) -> _Network:
    """Fill a network with what `weights_of` gave and make it ready to score.

    Raises:
        ValueError: a weight is missing, unknown or of another shape.
    """
    state = {name: torch.from_numpy(np.array(array)) for name, array in under(_PREFIX, arrays).items()}
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise ValueError(f"the weights do not fit the network: {error}") from error
    return network.eval()


def config_of(kind: type[_Config], values: Mapping[str, object]) -> _Config:
    """Restore a configuration from what JSON held of it.

    Raises:
        ValueError: a value is missing, unknown or of another type than the default.
    """
    defaults = kind()
    expected = {field.name: type(getattr(defaults, field.name)) for field in fields(defaults)}  # type: ignore[arg-type]
    found = {name: type(value) for name, value in values.items()}
    if found != expected:
        raise ValueError(f"not a {kind.__name__}: {dict(values)!r}")
    return kind(**values)
