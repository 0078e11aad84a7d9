"""From a training to its card."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from detectors.api import Windows
from detectors.manifest import Provenance, entries_of
from detectors.training.bootstrap import Interval, Ranking, intervals
from streamer.alerts.scale import threshold_tail
from streamer.alerts.texts import time_text
from streamer.cards.card import (
    Comparison,
    Curve,
    DataEntry,
    Day,
    LabelCount,
    ModelCard,
    Part,
    Rival,
    Training,
)
from streamer.cards.limits import limits_of
from streamer.cards.spread import spread
from streamer.curves import POINTS, rounded
from streamer.exam import Answers, Exam, measure
from streamer.history import DAY_MS, History
from streamer.state.features import TABLE

LIBRARIES = ("numpy", "torch", "safetensors")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a training cannot know of itself.

    Attributes:
        source: name of the archive or topic.
        licence: of the data; None if nobody told.
        command: that trains it, secrets masked; empty if there is none.
        alerts_per_million: the alert budget to count alerts by.
        labels: whether a payment was fraud, by transaction id; no model learns from them.
    """

    source: str
    licence: str | None
    command: str
    alerts_per_million: float
    labels: Mapping[str, bool]


UNTOLD = Circumstances("not told", None, "", 1_000.0, {})
"""Of a training that nobody says anything about."""


def make_card(
    made: Provenance,
    history: History,
    about: Circumstances,
    *,
    learnt: Windows,
    exam: Exam,
    answers: Answers,
    tuned_from: Rival | None,
    comparison: Comparison | None,
) -> ModelCard:
    """Describe a bundle.

    Args:
        made: what it says of itself.
        history: all payments of its training.
        about: what else is to be told.
        learnt: windows of those that it learnt from, the oldest.
        exam: those held back.
        answers: what it said of these.
        tuned_from: the bundle that it was fine-tuned from.
        comparison: with that one.
    """
    data = DataEntry(
        source=about.source,
        licence=about.licence,
        rejected=history.rejected,
        learnt=_part(history, slice(0, len(learnt)), about.labels),
        held_back=_part(history, slice(len(learnt), None), about.labels),
    )
    curve, against = _precision_recall(answers, exam)
    risk = answers.plain.risk
    return ModelCard(
        bundle_id=made.bundle_id,
        version=made.version,
        created=time_text(made.created_at),
        training=Training(
            command=about.command,
            seed=made.seed,
            code_version=made.code_version,
            libraries={"python": platform.python_version()} | {name: version(name) for name in LIBRARIES},
        ),
        data=data,
        window=TABLE.window,
        features=entries_of(TABLE),
        alerts_per_million=about.alerts_per_million,
        figures=figures_of(answers, exam, about.alerts_per_million, seed=made.seed),
        scores=spread(risk[~exam.fraud], risk[exam.fraud], answers.corrupted.risk),
        precision_recall=curve,
        against=against,
        days=_days(answers, exam, threshold_tail(about.alerts_per_million)),
        tuned_from=tuned_from,
        comparison=comparison,
        limits=limits_of(data, learnt, exam, TABLE, alerts_per_million=about.alerts_per_million),
    )


def figures_of(answers: Answers, exam: Exam, alerts_per_million: float, *, seed: int) -> dict[str, dict[str, Interval]]:
    """Return the figures of the ensemble and of each detector, with intervals."""
    threshold = threshold_tail(alerts_per_million)
    return {
        name: intervals(
            measure(plain, corrupted, exam, threshold=threshold), exam.user, np.random.default_rng([seed, 3])
        )
        for name, (plain, corrupted) in answers.voices().items()
    }


def _part(history: History, rows: slice, labels: Mapping[str, bool]) -> Part:
    times = history.timestamp[rows]
    known = [labels[name] for name in map(str, history.transaction_id[rows]) if name in labels]
    fraud = sum(known)
    return Part(
        payments=len(times),
        users=len(np.unique(history.user_id[rows])),
        first=time_text(int(times[0])),
        last=time_text(int(times[-1])),
        labels=LabelCount(
            fraud=fraud,
            honest=len(known) - fraud,
            unlabelled=len(times) - len(known),
            rate=fraud / len(known) if known else None,
        ),
    )


def _precision_recall(answers: Answers, exam: Exam) -> tuple[Curve, str]:
    risk, truth, against = answers.plain.risk[exam.known], exam.fraud[exam.known], "fraud"
    if not truth.any() or truth.all():
        risk = np.concatenate([answers.plain.risk, answers.corrupted.risk])
        truth, against = np.arange(len(risk)) >= len(exam), "corruption"
    recall, precision = Ranking.of(risk, truth).curve(POINTS)
    return Curve(rounded(recall), rounded(precision), float(truth.mean())), against


def _days(answers: Answers, exam: Exam, threshold: float) -> tuple[Day, ...]:
    day = exam.timestamp // DAY_MS
    alarm = answers.plain.risk >= threshold
    return tuple(
        Day(
            time_text(int(each) * DAY_MS)[:10],
            payments=int((day == each).sum()),
            alerts=int(alarm[day == each].sum()),
            frauds=int(exam.fraud[day == each].sum()),
        )
        for each in np.arange(day[0], day[-1] + 1)
    )
