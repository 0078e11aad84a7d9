"""How scores are spread."""

import numpy as np
from numpy.typing import NDArray

from streamer.cards.card import Histogram
from streamer.curves import rounded

BIN = 0.5
"""Width of a bin of scores, in tails."""

Risks = NDArray[np.float32]
_NONE = np.empty(0, np.float32)


def spread(ordinary: Risks, fraud: Risks, corrupted: Risks = _NONE) -> Histogram:
    """Count risks by bins; each kind has shares of its own, and none where there is none of it."""
    most = max(float(kind.max()) for kind in (ordinary, fraud, corrupted) if len(kind))
    edges = np.arange(0, most + 2 * BIN, BIN)
    return Histogram(
        width=BIN,
        ordinary=_shares(ordinary, edges),
        corrupted=_shares(corrupted, edges),
        fraud=_shares(fraud, edges),
    )


def _shares(risk: Risks, edges: NDArray[np.float64]) -> tuple[float, ...]:
    return rounded(np.histogram(risk, edges)[0] / len(risk)) if len(risk) else ()
