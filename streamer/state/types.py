"""Names for what compiled functions pass around.

Rows of structured arrays have the fields that `layout.py` declares; numba checks them when it
compiles, the static type checker cannot know them.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

EventRow: TypeAlias = Any
UserRow: TypeAlias = Any
MerchantRow: TypeAlias = Any
SharedRow: TypeAlias = Any
NowRow: TypeAlias = Any
PastRow: TypeAlias = Any

Fields: TypeAlias = list[tuple[str, str] | tuple[str, str, tuple[int, ...]]]
"""Name, type and, for arrays, shape of the fields of a row."""

Out: TypeAlias = NDArray[np.float32]
Keys: TypeAlias = NDArray[np.uint32]
Counts: TypeAlias = NDArray[np.uint16]
Structured: TypeAlias = NDArray[np.void]
