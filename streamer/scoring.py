"""Scores in spite of detectors that fail, on one payment or on all.

    a detector fails on a batch
    ├── it can judge a blank window: the rows at fault are found; they alone get no score
    └── it cannot: scoring has failed; stop, or judge by the simplest detector alone

A detector that failed is asked again with every batch, so judgement is whole again as soon as it
can be, and a score never depends on what happened before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from traceback import format_exception
from typing import Literal

import numpy as np
import structlog
from numpy.typing import NDArray

from detectors.api import Floats, Windows
from detectors.ensemble import Ensemble, Judgement
from detectors.models.tails import FeatureTails
from streamer.errors import ScoringError
from streamer.witness import Broken, contributions_of, scores_of

log = structlog.get_logger()

OnFailure = Literal["fail_closed", "fail_open"]

SIMPLEST = FeatureTails.name
"""Name of the detector that judges alone: it only counts, and has no network that could fail."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of B windows.

    Attributes:
        judgement: their scores; all 0, the least risk, in rows without a score and for detectors
            that were not heard.
        has_score: (B,) bool.
        poisonous: why a row has no score, by row, ascending; without the rows of a batch that
            nothing could judge, for they are not to blame.
        heard: places of the detectors that were heard.
        degraded: whether a part of the detectors was not heard.
    """

    judgement: Judgement
    has_score: NDArray[np.bool_]
    poisonous: Mapping[int, str]
    heard: tuple[int, ...]
    degraded: bool

    def rows(self, start: int, stop: int) -> "Judged":
        """Select adjacent windows."""
        return Judged(
            self.judgement.rows(slice(start, stop)),
            self.has_score[start:stop],
            {row - start: cause for row, cause in self.poisonous.items() if start <= row < stop},
            self.heard,
            self.degraded,
        )


class Judge:
    """Asks the detectors of a bundle, and copes when they fail."""

    def __init__(self, ensemble: Ensemble, *, on_failure: OnFailure) -> None:
        """Trust all detectors.

        Args:
            ensemble: the detectors and their calibration.
            on_failure: what to do when one of them cannot judge anything.
        """
        self._ensemble = ensemble
        self._on_failure = on_failure
        self._all = tuple(range(len(ensemble.detectors)))
        self._simplest = tuple(place for place in self._all if ensemble.names[place] == SIMPLEST)
        self._degraded = False

    def judge(self, windows: Windows) -> Judged:
        """Score windows.

        Where the simplest detector judges alone, its own calibrated tail is the risk: that is on
        the same scale, so as many ordinary payments reach the threshold as the budget says.

        Raises:
            ScoringError: a detector can judge nothing, and `on_failure` is fail_closed.
        """
        if not len(windows):
            return self._unjudged(windows, degraded=self._degraded)
        try:
            judged = self._by(self._all, windows)
        except Broken as broken:
            if self._on_failure == "fail_closed":
                raise ScoringError(
                    f"detector {broken.detector!r} cannot judge even a blank payment ({broken.cause}): replace the "
                    "bundle that worker.bundle names, or set worker.on_scoring_failure to fail_open to go on with "
                    "the simplest detector; the payments in hand are not committed and will be read again"
                ) from broken
            self._note_failure(broken)
            return self._by_the_simplest(windows)
        self._note_success()
        return judged

    def explain(self, windows: Windows, judgement: Judgement, *, degraded: bool) -> list[Floats | None]:
        """Return for each window (F,) how much each feature drove its risk; None where that fails.

        Args:
            windows: those of alerts, at least one.
            judgement: of them, as `judge` gave it.
            degraded: whether the simplest detector alone judged them.
        """

        def shares(rows: slice) -> Floats:
            if degraded:
                return self._ensemble.detectors[self._simplest[0]].explain(windows.rows(rows))
            return self._ensemble.reasons(windows.rows(rows), judgement.rows(rows))

        found = contributions_of(shares, range(len(windows)))
        causes = [cause for cause in found if isinstance(cause, str)]
        if causes:
            log.warning("alerts go out without reasons", alerts=len(causes), cause=causes[0])
        return [None if isinstance(each, str) else each for each in found]

    def _by(self, places: Sequence[int], windows: Windows) -> Judged:
        """Judge by all detectors, or by one alone."""
        raw = np.zeros((len(windows), len(self._all)), np.float32)
        causes: dict[int, str] = {}
        for place in places:
            detector = self._ensemble.detectors[place]
            raw[:, place], failures = scores_of(detector, windows)
            for row, failure in failures.items():
                causes.setdefault(row, f"detector {detector.name!r} fails on this payment ({failure})")
        degraded = len(places) < len(self._all)
        judgement = self._alone(places[0], raw) if degraded else self._ensemble.fuse(raw)
        poisonous = {row: causes[row] for row in sorted(causes)}
        has_score = np.ones(len(windows), np.bool_)
        has_score[list(poisonous)] = False
        for scores in (judgement.raw, judgement.tails, judgement.risk):
            scores[~has_score] = 0
        return Judged(judgement, has_score, poisonous, tuple(places), degraded)

    def _alone(self, place: int, raw: Floats) -> Judgement:
        tails = np.zeros_like(raw)
        tails[:, place] = self._ensemble.curves[place](raw[:, place])
        return Judgement(raw, tails, tails[:, place].copy())

    def _by_the_simplest(self, windows: Windows) -> Judged:
        try:
            if self._simplest:
                return self._by(self._simplest, windows)
        except Broken as broken:
            log.debug("the simplest detector is broken as well", cause=broken.cause)
        return self._unjudged(windows, degraded=True)

    def _unjudged(self, windows: Windows, *, degraded: bool) -> Judged:
        scores = np.zeros((len(windows), len(self._all)), np.float32)
        nothing = Judgement(scores, scores.copy(), np.zeros(len(windows), np.float32))
        return Judged(nothing, np.zeros(len(windows), np.bool_), {}, (), degraded)

    def _note_failure(self, broken: Broken) -> None:
        if not self._degraded:
            log.error(
                "scoring has failed, going on with the simplest detector",
                detector=broken.detector,
                cause=broken.cause,
                # As text: the log's own way of showing an error writes out all arrays on the way.
                traceback="".join(format_exception(broken.__cause__)),
            )
        self._degraded = True

    def _note_success(self) -> None:
        if self._degraded:
            log.info("all detectors judge again")
        self._degraded = False
