"""The collector leaves out what was loaded, and nothing else."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from streamer.garbage import spare_what_is_loaded


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
