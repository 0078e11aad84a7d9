"""Calls that may hang."""

import threading

import pytest

from streamer.errors import SnapshotError
from streamer.state.bounded import Bounded


def test_what_a_call_returns_or_raises_comes_back() -> None:
    bounded = Bounded("test")
    assert bounded.run(lambda: 5, timeout_s=30, doing="counting") == 5
    with pytest.raises(ZeroDivisionError):
        bounded.run(lambda: 1 // 0, timeout_s=30, doing="dividing")


def test_one_that_hangs_is_given_up_and_blocks_the_next_until_it_ends() -> None:
    bounded = Bounded("test")
    hangs, left = threading.Event(), []

    def hang() -> bool:
        left.append(threading.current_thread())
        return hangs.wait(30)

    with pytest.raises(SnapshotError, match=r"^waiting took longer than 0 s"):
        bounded.run(hang, timeout_s=0.01, doing="waiting")
    with pytest.raises(SnapshotError, match=r"^counting is not tried: the store still hangs"):
        bounded.run(lambda: 5, timeout_s=30, doing="counting")
    hangs.set()
    left[0].join(30)
    assert bounded.run(lambda: 5, timeout_s=30, doing="counting") == 5


def test_without_time_nothing_is_tried() -> None:
    with pytest.raises(SnapshotError, match="no time is left"):
        Bounded("test").run(lambda: 5, timeout_s=0, doing="counting")
