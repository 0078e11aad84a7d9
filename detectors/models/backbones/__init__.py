"""Networks that read a window: (B, T, C) channels in, (B, D) summary or (B, T, D) steps out.

Choose one by its name in BACKBONES; a new one is a module of the same form and a row there.
"""

from collections.abc import Mapping

from detectors.models.backbones.attention import CausalAttention
from detectors.models.backbones.base import Backbone
from detectors.models.backbones.convolution import TemporalConvolution
from detectors.models.backbones.recurrent import BidirectionalLstm, Lstm

BACKBONES: Mapping[str, type[TemporalConvolution | Lstm | BidirectionalLstm | CausalAttention]] = {
    "tcn": TemporalConvolution,
    "lstm": Lstm,
    "bilstm": BidirectionalLstm,
    "attention": CausalAttention,
}


def make_backbone(name: str, steps: int, channels: int, width: int) -> Backbone:
    """Make a backbone by its name.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in BACKBONES:
        raise ValueError(f"there is no backbone {name!r}: choose one of {', '.join(BACKBONES)}")
    return BACKBONES[name](steps, channels, width)
