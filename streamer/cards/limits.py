"""What a card must admit: derived from the training, never from hope."""

from collections.abc import Iterator
from datetime import datetime

import numpy as np

from detectors.api import FeatureTable, Windows
from streamer.cards.card import DataEntry
from streamer.exam import Exam

FEW_DAYS = 14
FEW_FRAUDS = 100
FEW_ALERTS = 50
SHORT = 4
"""Windows of fewer payments belong to users of whom hardly anything is known."""


def limits_of(
    data: DataEntry, learnt: Windows, exam: Exam, table: FeatureTable, *, alerts_per_million: float
) -> tuple[str, ...]:
    """Return the limits in sentences, those of the data first.

    Args:
        data: what the bundle was made from.
        learnt: windows that it learnt from.
        exam: payments by which it was judged.
        table: the features.
        alerts_per_million: the alert budget.
    """
    beyond = len(exam) * alerts_per_million / 1e6
    return (*_of_data(data, learnt, exam, table), *_of_calibration(beyond), *_of_judgement(data, table))


def _of_calibration(beyond: float) -> Iterator[str]:
    yield (
        "The held-back payments also calibrated the bundle, so its alerts a day there are near the budget by "
        "construction: judge it by later payments to see whether they stay there."
    )
    if beyond < FEW_ALERTS:
        yield (
            f"Of the held-back payments, {beyond:.0f} at most lie beyond the alert budget, and these few decide where "
            "it begins: alerts a day may change by half from one bundle to the next. Learn from more payments, or "
            "allow more alerts."
        )


def _of_data(data: DataEntry, learnt: Windows, exam: Exam, table: FeatureTable) -> Iterator[str]:
    begin, end = (datetime.fromisoformat(text) for text in (data.learnt.first, data.held_back.last))
    days = (end - begin).total_seconds() / 86_400
    if days < FEW_DAYS:
        yield (
            f"It was made from {days:.1f} days. Users' histories will outgrow what the calibration saw, "
            f"and alerts will exceed the budget: train on {FEW_DAYS} days or more."
        )
    same = [name for name, spread in zip(table.names, np.ptp(learnt.last, axis=0), strict=True) if spread == 0]
    if same:
        yield (
            f"These features never varied in the data, so nothing was learnt about them: {', '.join(same)}. "
            "Payments in which they vary will look strange."
        )
    short = float((exam.windows.length < SHORT).mean())
    if short:
        yield (
            f"{short:.1%} of the held-back payments were of users with fewer than {SHORT - 1} earlier ones. "
            "Of such users it knows next to nothing."
        )
    if data.licence is None:
        yield "Nobody told the licence of the data: find out before you pass the bundle on."


def _of_judgement(data: DataEntry, table: FeatureTable) -> Iterator[str]:
    frauds = data.held_back.labels.fraud
    if not frauds:
        yield (
            "No fraud was known among the held-back payments: the figures tell how corruptions of payments are "
            "found, not frauds. Judge it by labelled payments before you rely on it."
        )
    elif frauds < FEW_FRAUDS:
        yield f"Only {frauds} held-back payments are known to be fraud: mind the intervals."
    yield (
        "The corruptions are of the kinds that the discriminator learnt from: frauds of other kinds will be "
        "found less often than they."
    )
    yield "Intervals hold for other users on the same days, not for other days."
    yield (
        f"It sees the last {table.window} payments of a user by {len(table.names)} features and nothing else. "
        "It advises people; it does not prove fraud."
    )
