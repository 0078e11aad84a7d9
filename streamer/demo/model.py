"""The demonstration's bundle: trained on the simulated history once, then kept."""

import hashlib
from pathlib import Path

from rich.console import Console

from streamer import __version__
from streamer.demo.options import DemoOptions
from streamer.simulate.stream import simulate
from streamer.state.features import TABLE


def bundle_name(options: DemoOptions) -> str:
    """Name the bundle by all that it depends on, so that another world trains anew."""
    parts = (__version__, TABLE, options.world, options.history, options.partitions)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
