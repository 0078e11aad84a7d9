"""What one detector says, and on which rows it fails.

A detector fails when it raises, or gives no finite score. If it can judge a blank window all the
same, the rows at fault are found by halving. That changes no score: a row gets the same bits
whichever rows stand beside it. If it cannot, it is broken, and no row is to blame.

Lack of memory is no failure of a detector: it is passed on.
"""

from collections.abc import Callable

import numpy as np

from detectors.api import Detector, Floats, Windows
from streamer.state.features import TABLE


class Broken(Exception):
    """A detector cannot judge even a blank window.

    Attributes:
        detector: its name.
        cause: what it raised.
    """

    def __init__(self, detector: str, cause: str) -> None:
        """Keep the parts."""
        self.detector = detector
        self.cause = cause
        super().__init__(f"{detector}: {cause}")


def blank_window() -> Windows:
    """Return one window of an unknown user's first payment, every feature 0."""
    return Windows(
        np.zeros((1, TABLE.window, TABLE.steps), np.float32),
        np.ones(1, np.int32),
        np.zeros((1, len(TABLE.features)), np.float32),
    )


def scores_of(detector: Detector, windows: Windows) -> tuple[Floats, dict[int, str]]:
    """Return (B,) finite raw scores, 0 where there is none, and why there is none, by row.

    Raises:
        Broken: the detector judges nothing.
    """
    try:
        return _finite_scores(detector, windows), {}
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 (a detector may raise anything; what is to blame is found below)
        _require_working(detector)
    return _halve(detector, windows, 0)


def contributions_of(explain: Callable[[slice], Floats], rows: range) -> list[Floats | str]:
    """Return for each window (F,) how much each feature drove its risk, or why that is unknown.

    Args:
        explain: what a detector or an ensemble says of some of the windows.
        rows: which windows are meant, those of alerts.
    """
    try:
        return list(_finite_shares(explain(slice(rows.start, rows.stop)), len(rows)))
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 (whatever a detector raises, the alert must go out)
        if len(rows) == 1:
            return [_cause(error)]
    # One by one, so that an alert has the same reasons whichever alerts stand beside it.
    return [found for row in rows for found in contributions_of(explain, range(row, row + 1))]


def _require_working(detector: Detector) -> None:
    try:
        _finite_scores(detector, blank_window())
    except MemoryError:
        raise
    except Exception as error:
        raise Broken(detector.name, _cause(error)) from error


def _halve(detector: Detector, windows: Windows, start: int) -> tuple[Floats, dict[int, str]]:
    try:
        return _finite_scores(detector, windows), {}
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 (a detector may raise anything; it becomes the reason)
        if len(windows) == 1:
            return np.zeros(1, np.float32), {start: _cause(error)}
    middle = len(windows) // 2
    first, failures = _halve(detector, windows.rows(slice(0, middle)), start)
    second, more = _halve(detector, windows.rows(slice(middle, None)), start + middle)
    return np.concatenate([first, second]), failures | more


def _finite_scores(detector: Detector, windows: Windows) -> Floats:
    scores = np.asarray(detector.score(windows), np.float32)
    if scores.shape != (len(windows),):
        raise ValueError(f"scores of shape {scores.shape} for {len(windows)} windows")
    if not np.isfinite(scores).all():
        raise ValueError("a score that is NaN or infinite")
    return scores


def _finite_shares(explained: Floats, count: int) -> Floats:
    shares = np.asarray(explained, np.float32)
    if shares.shape != (count, len(TABLE.features)) or not np.isfinite(shares).all():
        raise ValueError("an explanation that is not finite, or of another shape")
    return shares


def _cause(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
