"""Payments by which bundles are judged and compared: ordinary ones, and corruptions of them.

Figures without labels ask how well corruptions of payments are told from the payments themselves;
where labels are known, they tell how well frauds are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.api import Windows
from detectors.ensemble import Ensemble, Judgement
from detectors.training.bootstrap import Measure, Ranking, Weights
from detectors.training.corruption import corrupt
from streamer.errors import ArchiveError
from streamer.history import DAY_MS, History
from streamer.state.features import TABLE

ENSEMBLE = "ensemble"


@dataclass(frozen=True, slots=True)
class Exam:
    """N payments in the order of event time, at least one.

    Attributes:
        windows: of the payments.
        corrupted: the same, each with one corruption.
        timestamp: (N,) int64, milliseconds since the epoch.
        user: (N,) int64, numbers of users from 0.
        fraud: (N,) bool; false where no label is known.
        known: (N,) bool, whether a label is.
    """

    windows: Windows
    corrupted: Windows
    timestamp: NDArray[np.int64]
    user: NDArray[np.int64]
    fraud: NDArray[np.bool_]
    known: NDArray[np.bool_]

    @classmethod
    def of(cls, history: History, labels: Mapping[str, bool], rows: NDArray[np.bool_], *, seed: int) -> Self:
        """Take payments of a history.

        Args:
            history: where they are.
            labels: whether a payment was fraud, by transaction id.
            rows: (N,) which ones.
            seed: of the corruptions.

        Raises:
            ArchiveError: there are none.
        """
        chosen = np.flatnonzero(rows)
        if not len(chosen):
            raise ArchiveError("there are no payments to judge bundles by: give later ones")
        windows = history.windows.rows(chosen)
        ids = [str(name) for name in history.transaction_id[chosen]]
        return cls(
            windows,
            corrupt(windows, TABLE, np.random.default_rng([seed, 9])),
            history.timestamp[chosen],
            np.unique(history.user_id[chosen], return_inverse=True)[1].astype(np.int64),
            np.array([labels.get(name, False) for name in ids], np.bool_),
            np.array([name in labels for name in ids], np.bool_),
        )

    def __len__(self) -> int:
        """Count the payments."""
        return len(self.timestamp)

    @property
    def days(self) -> float:
        """Days of event time that they cover; what lies between two payments, at least."""
        return max(float(self.timestamp[-1] - self.timestamp[0]) / DAY_MS, 1 / DAY_MS)


@dataclass(frozen=True, slots=True)
class Answers:
    """What one bundle said.

    Attributes:
        names: of its D detectors.
        plain: of the payments.
        corrupted: of their corruptions.
    """

    names: tuple[str, ...]
    plain: Judgement
    corrupted: Judgement

    @classmethod
    def of(cls, ensemble: Ensemble, exam: Exam) -> Self:
        """Let a bundle judge."""
        return cls(ensemble.names, ensemble.judge(exam.windows), ensemble.judge(exam.corrupted))

    def voices(self) -> Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Return (N,) tails of payments and of corruptions, of the ensemble and of each detector alone."""
        alone = {
            name: (self.plain.tails[:, place], self.corrupted.tails[:, place]) for place, name in enumerate(self.names)
        }
        return {ENSEMBLE: (self.plain.risk, self.corrupted.risk), **alone}


def measure(tails: NDArray[np.float32], of_corrupted: NDArray[np.float32], exam: Exam, *, threshold: float) -> Measure:
    """Return what computes the figures of one score.

    Args:
        tails: (N,) of payments.
        of_corrupted: (N,) of their corruptions.
        exam: the payments.
        threshold: tail from which alerts are raised.

    Returns:
        From how often each payment counts to `alerts_a_day` (before repeats are hidden),
        `corruption_auc` and `corruption_recall` at the threshold; with labels also the figures of
        `Ranking`, and `alert_precision` and `alert_recall` at the threshold.
    """
    by_truth = Ranking.of(tails[exam.known], exam.fraud[exam.known]) if exam.known.any() else None
    both = np.concatenate([tails, of_corrupted])
    by_corruption = Ranking.of(both, np.arange(len(both)) >= len(tails))
    alarm, alarm_of_corrupted = tails >= threshold, of_corrupted >= threshold

    def figures(weights: Weights) -> Mapping[str, float]:
        found = {
            "alerts_a_day": float(weights @ alarm) / exam.days,
            "corruption_auc": by_corruption.figures(np.concatenate([weights, weights]))["auc"],
            "corruption_recall": float(weights @ alarm_of_corrupted) / float(weights.sum()),
        }
        if by_truth is not None and (ranked := by_truth.figures(weights[exam.known])):
            caught, judged = float(weights @ (alarm & exam.fraud)), float(weights @ (alarm & exam.known))
            found |= ranked | {"alert_recall": caught / float(weights @ exam.fraud)}
            if judged:
                found["alert_precision"] = caught / judged
        return found

    return figures
