"""What a score is worth on the days of the test."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.training.evaluate import RATES, quality
from streamer.protocol.card_precision import card_precision


@dataclass(frozen=True, slots=True)
class Truth:
    """The N judged payments.

    Attributes:
        day: (N,) number of the day of the test.
        card: (N,) number of the card.
        fraud: (N,) bool.
        amount: (N,) currency units; refunds are negative.
    """

    day: NDArray[np.int64]
    card: NDArray[np.int64]
    fraud: NDArray[np.bool_]
    amount: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one score; those by rate are of the share of riskiest payments that is looked at.

    Attributes:
        auc: area under the ROC curve.
        average_precision: area under the precision-recall curve.
        card_precision: mean over the days.
        card_precision_by_day: share of defrauded cards among those looked at, day by day.
        recall_at: share of the frauds that are found, by rate.
        value_recall_at: share of the money lost to fraud that is found, by rate.
        alerts_per_fraud_at: payments looked at for each fraud found, by rate; None where none is.
    """

    auc: float
    average_precision: float
    card_precision: float
    card_precision_by_day: tuple[float, ...]
    recall_at: Mapping[float, float]
    value_recall_at: Mapping[float, float]
    alerts_per_fraud_at: Mapping[float, float | None]


def figures_of(score: NDArray[np.floating], truth: Truth, *, cards_per_day: int) -> Figures:
    """Judge a score.

    Args:
        score: (N,) finite; higher is worse.
        truth: of the same payments.
        cards_per_day: how many cards can be looked at.

    Raises:
        ValueError: there is no fraud, or no honest payment.
    """
    ranking = quality(score, truth.fraud)
    by_day = card_precision(score, truth.day, truth.card, truth.fraud, cards_per_day=cards_per_day)
    order = np.argsort(-score, kind="stable")
    top = {rate: order[: max(1, round(rate * len(score)))] for rate in RATES}
    return Figures(
        auc=ranking.auc,
        average_precision=ranking.average_precision,
        card_precision=float(np.mean(by_day)),
        card_precision_by_day=by_day,
        recall_at=ranking.recall_at,
        value_recall_at={rate: _value_recall(rows, truth) for rate, rows in top.items()},
        alerts_per_fraud_at={rate: _alerts_per_fraud(rows, truth) for rate, rows in top.items()},
    )


def _value_recall(rows: NDArray[np.intp], truth: Truth) -> float:
    lost = np.maximum(truth.amount, 0) * truth.fraud
    total = float(lost.sum())
    return float(lost[rows].sum()) / total if total else 0.0


def _alerts_per_fraud(rows: NDArray[np.intp], truth: Truth) -> float | None:
    found = int(truth.fraud[rows].sum())
    return len(rows) / found if found else None
