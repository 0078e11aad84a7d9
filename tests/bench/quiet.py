"""What every measurement begins with: one thread for each library, and logs of errors alone."""

import numba

from detectors.threads import use_one_thread
from streamer.logs import configure
from streamer.memory import keep_freed_memory
from streamer.settings import LogSettings


def quieten() -> None:
    """Set this process up as a worker is, and let its logs be silent."""
    use_one_thread()
    keep_freed_memory()
    numba.set_num_threads(1)
    configure(LogSettings(level="error"))
