"""A process keeps what it freed, and its collector leaves out what was loaded and nothing else."""

import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator

import pytest

from streamer.memory import spare_what_is_loaded


class Knot:
    """An object that only the collector can free."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _nothing_stays_spared() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_is_loaded_is_looked_at_no_more_and_later_garbage_is_freed() -> None:
    loaded = [Knot() for _ in range(1_000)]
    spare_what_is_loaded()
    looked_at = {id(each) for each in gc.get_objects()}
    assert looked_at.isdisjoint(map(id, loaded))
    late = weakref.ref(Knot())
    gc.collect()
    assert late() is None


def test_garbage_of_the_start_is_freed_first() -> None:
    early = weakref.ref(Knot())
    spare_what_is_loaded()
    assert early() is None


BATCHES = """
import resource
import numpy as np
from streamer.memory import keep_freed_memory
{setting}
def batch():
    blocks = [np.empty(3_000_000, np.uint8) for _ in range(8)]
    for block in blocks:
        block[:] = 1
batch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    batch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(setting: str) -> int:
    done = subprocess.run([sys.executable, "-c", BATCHES.format(setting=setting)], capture_output=True, check=True)
    return int(done.stdout)


def test_the_next_batch_gets_the_memory_of_the_last_one() -> None:
    assert faults("keep_freed_memory()") < faults("") / 10
