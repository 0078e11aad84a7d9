"""Windows read from rings, whatever was put there since, against lists."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.rings import JoinedSteps, Rings, Steps

ROWS, WINDOW, FEATURES = 3, 4, 2


@dataclass(frozen=True)
class Put:
    """A step goes into a ring, which may begin anew: its row has passed to another user."""

    row: int
    anew: bool


PUTS = st.lists(st.builds(Put, st.integers(0, ROWS - 1), st.sampled_from([False, False, False, True])), max_size=40)


class World:
    """Rings, and beside them what was put there, as lists."""

    def __init__(self) -> None:
        self._rings = np.zeros((ROWS, WINDOW * FEATURES), np.float32)
        self._lists: defaultdict[int, list[NDArray[np.float32]]] = defaultdict(list)
        self._put = 0

    def put(self, puts: list[Put]) -> tuple[Steps, NDArray[np.float32]]:
        """Put steps in; return the windows as of each, from the rings and from the lists."""
        count = len(puts)
        counts, later = np.zeros(count, np.int64), np.full(count, -1, np.int32)
        displaced = np.zeros((count, FEATURES), np.float32)
        expected = np.zeros((count, WINDOW, FEATURES), np.float32)
        newest: dict[int, int] = {}
        for number, put in enumerate(puts):
            held = self._lists[put.row]
            if put.anew:
                held.clear()
            self._put += 1
            place = len(held) % WINDOW * FEATURES
            displaced[number] = self._rings[put.row, place : place + FEATURES]
            held.append(np.full(FEATURES, self._put, np.float32))
            self._rings[put.row, place : place + FEATURES] = held[-1]
            counts[number] = len(held)
            window = np.array(held[-WINDOW:])
            expected[number, WINDOW - len(window) :] = window
            if put.row in newest:
                later[newest[put.row]] = number
            newest[put.row] = number
        rows = np.array([put.row for put in puts], np.int32)
        return Steps(Rings(self._rings, rows, counts, later, displaced)), expected


@settings(max_examples=300, deadline=None)
@given(before=PUTS, puts=PUTS, data=st.data())
def test_windows_are_as_of_their_events(before: list[Put], puts: list[Put], data: st.DataObject) -> None:
    world = World()
    world.put(before)
    steps, expected = world.put(puts)
    assert len(steps) == len(puts)
    chosen = np.array(data.draw(st.lists(st.integers(0, len(puts) - 1), max_size=5)) if puts else [], np.intp)
    cut = slice(len(puts) // 3, None)
    for _ in range(2):
        np.testing.assert_array_equal(steps.rows(chosen), expected[chosen])
        np.testing.assert_array_equal(steps.rows(cut), expected[cut])
        np.testing.assert_array_equal(steps.settle(), expected)


@settings(max_examples=100, deadline=None)
@given(puts=PUTS, more=PUTS)
def test_settled_windows_stay_when_rings_change(puts: list[Put], more: list[Put]) -> None:
    world = World()
    steps, expected = world.put(puts)
    steps.settle()
    world.put(more)
    np.testing.assert_array_equal(steps.settle(), expected)
    np.testing.assert_array_equal(Steps(steps.rings[0]).settle(), expected)
    np.testing.assert_array_equal(steps.rows(slice(1, 3)), expected[1:3])


@settings(max_examples=100, deadline=None)
@given(parts=st.lists(PUTS, min_size=1, max_size=3), data=st.data(), more=PUTS)
def test_parts_are_read_one_after_the_other(parts: list[list[Put]], data: st.DataObject, more: list[Put]) -> None:
    worlds = [World() for _ in parts]
    read = [world.put(puts) for world, puts in zip(worlds, parts, strict=True)]
    joined, expected = JoinedSteps([steps for steps, _ in read]), np.concatenate([windows for _, windows in read])
    chosen = np.array(
        data.draw(st.lists(st.integers(0, len(expected) - 1), max_size=6)) if len(expected) else [], np.intp
    )
    settled = data.draw(st.integers(0, len(parts) - 1))
    read[settled][0].settle()
    worlds[settled].put(more)
    for _ in range(2):
        np.testing.assert_array_equal(joined.rows(chosen), expected[chosen])
        np.testing.assert_array_equal(joined.rows(slice(2, None)), expected[2:])
        np.testing.assert_array_equal(np.concatenate([Steps(each).settle() for each in joined.rings]), expected)
    np.testing.assert_array_equal(joined.settle(), expected)
