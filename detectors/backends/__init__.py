"""What computes scores: torch itself, or another library that is handed the same network.

Choose one by its name in BACKENDS. All but `eager` need the extra `onnx`, and import it only when
they are used. A back end is derived from a network's weights when a bundle is loaded; no bundle
holds anything of one.
"""

from collections.abc import Mapping

from detectors.backends.base import Backend
from detectors.backends.eager import Eager
from detectors.backends.int8 import Int8
from detectors.backends.onnx import OnnxRuntime

EAGER = Eager.name

BACKENDS: Mapping[str, Backend] = {each.name: each for each in (Eager(), OnnxRuntime(), Int8())}


def back_end(name: str) -> Backend:
    """Return a back end by its name.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in BACKENDS:
        raise ValueError(f"there is no back end {name!r}: choose one of {', '.join(BACKENDS)}")
    return BACKENDS[name]
