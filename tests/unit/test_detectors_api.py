"""What detectors share of the windows that they judge."""

import numpy as np

from detectors.api import Floats, Windows


def windows(count: int = 4) -> Windows:
    steps = np.arange(count * 6, dtype=np.float32).reshape(count, 3, 2)
    return Windows(steps, np.full(count, 3, np.int32), steps[:, -1])


class Maker:
    """Doubles the last events, and counts how often it was asked to."""

    def __init__(self) -> None:
        self.calls = 0

    def of(self, windows: Windows) -> Floats:
        def make() -> Floats:
            self.calls += 1
            return 2 * windows.last

        return windows.once("doubled", make)


def test_what_is_made_of_windows_for_several_is_made_once() -> None:
    maker, several = Maker(), windows().for_several()
    maker.of(several)
    for each in (several, several.for_several(), several.rows(slice(1, 3)), several.rows(np.array([3, 0]))):
        np.testing.assert_array_equal(maker.of(each), 2 * each.last)
    assert maker.calls == 1


def test_what_is_made_of_some_of_them_is_not_taken_for_that_of_all() -> None:
    maker, several = Maker(), windows().for_several()
    maker.of(several.rows(slice(1, 2)))
    np.testing.assert_array_equal(maker.of(several), 2 * several.last)


def test_by_itself_nothing_is_kept() -> None:
    maker, alone = Maker(), windows()
    maker.of(alone)
    maker.of(alone)
    assert maker.calls == 2
    assert alone.shared is None
    assert alone.rows(slice(0, 2)).shared is None
