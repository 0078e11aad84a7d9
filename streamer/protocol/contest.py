"""Candidates against each other, on one sample."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from detectors.api import Floats, Windows
from detectors.training.candidates import Candidate, Lesson, Scorer, parameters_of
from detectors.training.fit import Progress
from streamer.clock import Clock
from streamer.curves import Curves, curves_of
from streamer.errors import ArchiveError, EnvironmentFault, SettingsError
from streamer.protocol.figures import Figures, figures_of
from streamer.protocol.sample import Sample
from streamer.state.features import TABLE

ALL = "all"

_TIMES = 5
_LONG_ENOUGH_S = 2.0
"""A model that takes as long is timed no more."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One candidate, trained with one seed.

    Attributes:
        model: its name.
        family: shared by models that differ in their backbone alone; None without a backbone.
        backbone: name of the network that reads its windows, if any.
        needs_labels: whether it learnt from labels.
        seed: of its training.
        figures: how well it ranks the payments of the test.
        curves: the same at every threshold.
        parameters: numbers it keeps after training.
        training_s: seconds of training.
        windows_per_s: windows scored in a second, at the fastest of a few times.
    """

    model: str
    family: str | None
    backbone: str | None
    needs_labels: bool
    seed: int
    figures: Figures
    curves: Curves
    parameters: int
    training_s: float
    windows_per_s: float


def chosen(text: str, candidates: Mapping[str, Candidate], *, labels: bool) -> tuple[str, ...]:
    """Return the names of a comma-separated list, each once; `all` are those that can learn.

    Args:
        text: names, or `all`.
        candidates: what there is.
        labels: whether they may learn from labels.

    Raises:
        SettingsError: there is no such model, or it needs labels.
    """
    if text == ALL:
        return tuple(name for name, each in candidates.items() if labels or not each.needs_labels)
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        if name not in candidates:
            raise SettingsError(f"there is no model {name!r}: choose {ALL} or some of {', '.join(candidates)}")
        if candidates[name].needs_labels and not labels:
            raise SettingsError(f"model {name!r} learns from labels: add --labels delayed")
    if not names:
        raise SettingsError(f"--models names no model: choose {ALL} or some of {', '.join(candidates)}")
    return names


def contest(
    sample: Sample,
    candidates: Mapping[str, Candidate],
    seeds: Sequence[int],
    clock: Clock,
    *,
    labels: bool,
    cards_per_day: int,
    progress: Callable[[Progress], None],
) -> Iterator[Entry]:
    """Train and judge candidates one after the other; yield each as soon as it is judged.

    Args:
        sample: what they learn from and are judged on.
        candidates: by name, in order.
        seeds: each candidate is trained with each.
        clock: measures training and scoring.
        labels: whether they may learn from the labels of the days of training.
        cards_per_day: how many cards can be looked at.
        progress: told of every step of training.

    Raises:
        EnvironmentFault: a package is missing.
        ArchiveError: a candidate cannot learn from the sample.
    """
    for name, candidate in candidates.items():
        for seed in seeds:
            lesson = Lesson(sample.train, sample.train_fraud if labels else None, TABLE, seed)
            begin = clock.monotonic()
            try:
                scorer = candidate.fit(lesson, _named(progress, name, seed))
            except ImportError as error:
                raise EnvironmentFault(
                    f"model {name!r} needs {error.name}: run pip install 'fraud-streamer[train]'"
                ) from error
            except ValueError as error:
                raise ArchiveError(f"model {name!r} cannot learn from the days of training: {error}") from error
            trained = clock.monotonic()
            score, windows_per_s = _scored(scorer, sample.test, clock)
            yield Entry(
                model=name,
                family=candidate.family,
                backbone=candidate.backbone,
                needs_labels=candidate.needs_labels,
                seed=seed,
                figures=figures_of(score, sample.truth, cards_per_day=cards_per_day),
                curves=curves_of(score, sample.truth.fraud),
                parameters=parameters_of(scorer),
                training_s=trained - begin,
                windows_per_s=windows_per_s,
            )


def _named(progress: Callable[[Progress], None], name: str, seed: int) -> Callable[[Progress], None]:
    def report(now: Progress) -> None:
        part = "" if now.model == name else f" ({now.model})"
        progress(replace(now, model=f"{name}{part}, seed {seed}"))

    return report


def _scored(scorer: Scorer, windows: Windows, clock: Clock) -> tuple[Floats, float]:
    """Return the scores and windows a second of the fastest of a few times: the first is slowed by all that is new."""
    times: list[float] = []
    while len(times) < _TIMES and sum(times) < _LONG_ENOUGH_S:
        begin = clock.monotonic()
        score = np.asarray(scorer.score(windows), np.float32)
        times.append(clock.monotonic() - begin)
    return score, len(windows) / max(min(times), 1e-9)
