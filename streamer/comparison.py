"""Two bundles on the same payments, and whether the new one may take the old one's place.

Both judge every payment, and each draw of users counts for both, so that what is common to them
does not blur the difference.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from detectors.bundle import Bundle
from detectors.ensemble import Ensemble
from detectors.training.bootstrap import Interval, Measure, Weights, intervals
from streamer.alerts.scale import threshold_tail
from streamer.alerts.texts import time_text
from streamer.cards.card import Comparison, Difference, Rival
from streamer.cards.wording import TITLES, interval_text
from streamer.exam import ENSEMBLE, Answers, Exam, measure

ALERTS = "alerts_a_day"
MOST_ALERTS = 1.25
"""A new bundle may raise so many times the old one's alerts: investigators do not grow with it."""

MARGINS = {"average_precision": 0.0, "recall_at_0.005": 0.0, "corruption_auc": 0.01}
"""Figures that must not fall, and by how much they may. There are so many corruptions that a fall by
less would be found that means nothing; where frauds are few, they are what tells."""


def rival_of(bundle: Bundle) -> Rival:
    """Name a bundle."""
    made = bundle.manifest.made
    return Rival(made.bundle_id, made.version, bundle.sha256)


def compare(
    old: Bundle,
    new: Ensemble,
    exam: Exam,
    alerts_per_million: float,
    *,
    name: Rival | None = None,
    said_by_new: Answers | None = None,
) -> Comparison:
    """Let two bundles judge the same payments.

    Args:
        old: the one in use.
        new: detectors of the one that may take its place.
        exam: the payments.
        alerts_per_million: the alert budget, the same for both.
        name: of the new one.
        said_by_new: what it says of them, if that is known already.
    """
    threshold = threshold_tail(alerts_per_million)
    judges = {
        "old": _measure(Answers.of(old.ensemble, exam), exam, threshold),
        "new": _measure(said_by_new or Answers.of(new, exam), exam, threshold),
    }
    least = 0.5 / exam.days

    def both(weights: Weights) -> Mapping[str, float]:
        before, after = (judges[which](weights) for which in ("old", "new"))
        found: dict[str, float] = {}
        for figure in before.keys() & after.keys():
            was, is_now = before[figure], after[figure]
            # No alert at all counts as half of one: a ratio must stay finite.
            change = max(is_now, least) / max(was, least) if figure == ALERTS else is_now - was
            found |= {f"old {figure}": was, f"new {figure}": is_now, f"change {figure}": change}
        return found

    drawn = intervals(both, exam.user, np.random.default_rng([0, 4]))
    figures = {
        figure: Difference(drawn[f"old {figure}"], drawn[f"new {figure}"], drawn[f"change {figure}"])
        for figure in TITLES
        if f"old {figure}" in drawn
    }
    return Comparison(
        old=rival_of(old),
        new=name,
        first=time_text(int(exam.timestamp[0])),
        last=time_text(int(exam.timestamp[-1])),
        payments=len(exam),
        frauds=int(exam.fraud.sum()),
        learnt_by_old=int((exam.timestamp <= old.manifest.made.trained_until).sum()),
        figures=figures,
        objections=tuple(objections(figures)),
    )


def objections(figures: Mapping[str, Difference]) -> Iterator[str]:
    """Yield why the new bundle should not take the old one's place.

    A figure is worse if the whole interval of its change lies below what it may fall by; alerts
    are too many if the whole interval lies above what they may rise to.
    """
    for name, margin in MARGINS.items():
        found = figures.get(name)
        if found is not None and found.change.high < -margin:
            yield (
                f"{TITLES[name]} falls from {interval_text(found.old)} to {interval_text(found.new)}, "
                f"by {_turned(found.change)}: more than chance explains"
            )
    alerts = figures.get(ALERTS)
    if alerts is not None and alerts.change.low > MOST_ALERTS:
        yield (
            f"alerts a day at the same threshold rise from {interval_text(alerts.old)} to {interval_text(alerts.new)}, "
            f"to {interval_text(alerts.change)} times as many; {MOST_ALERTS:g} times would do"
        )


def _turned(change: Interval) -> str:
    return interval_text(Interval(-change.value, -change.high, -change.low))


def _measure(answers: Answers, exam: Exam, threshold: float) -> Measure:
    plain, corrupted = answers.voices()[ENSEMBLE]
    return measure(plain, corrupted, exam, threshold=threshold)
