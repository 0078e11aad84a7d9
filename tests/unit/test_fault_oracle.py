"""The comparison that all tests of faults rest on sees every kind of difference."""

from collections.abc import Callable

import pytest

from streamer.events.record import TopicPartition
from tests.helpers.oracle import Entry, Outcome, assert_same, differences

PLACES = [TopicPartition("in", number) for number in range(2)]
WANTED = tuple(Entry(place, offset, (b"key", b"%d" % offset)) for place in PLACES for offset in range(5))


def test_partitions_may_be_interleaved_in_any_way() -> None:
    assert differences(WANTED, sorted(WANTED, key=lambda each: (each.offset, each.source))) == []


FAULTS: dict[str, Callable[[list[Entry]], list[Entry]]] = {
    "missing": lambda all_: all_[:3] + all_[4:],
    "not expected": lambda all_: [*all_, Entry(PLACES[0], 99, (b"key", b"99"))],
    "there twice": lambda all_: [*all_, all_[-1]],
    "other": lambda all_: [*all_[:-1], Entry(PLACES[1], 4, (b"key", b"another"))],
    "out of order": lambda all_: [all_[1], all_[0], *all_[2:]],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_difference_is_seen(fault: str) -> None:
    found = tuple(FAULTS[fault](list(WANTED)))
    assert any(fault in told for told in differences(WANTED, found))
    nothing: tuple[Entry, ...] = ()
    for kind in range(3):
        kinds = [(nothing, nothing)] * 3
        kinds[kind] = (WANTED, found)
        wanted, actual = zip(*kinds, strict=True)
        with pytest.raises(AssertionError, match=fault):
            assert_same(Outcome(*wanted), Outcome(*actual))
