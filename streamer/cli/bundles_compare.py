"""Bundles compared on payments of an archive."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from detectors.bundle import Bundle
from detectors.threads import use_one_thread
from streamer.alerts.texts import time_text
from streamer.bundles import open_bundle
from streamer.cards.card import Comparison
from streamer.cards.read import card_of
from streamer.cli.source import labels_if_any, open_archive
from streamer.comparison import compare, rival_of
from streamer.errors import ArchiveError, BundleError
from streamer.events.mapping_file import open_mapping
from streamer.exam import Exam
from streamer.history import DAY_MS, collect
from streamer.progress import counting
from streamer.settings import Settings


@dataclass(frozen=True, slots=True)
class Trial:
    """Payments that bundles are compared on.

    Attributes:
        settings: of events, state and the alert budget.
        data: the archive.
        label: column of the truth; None for the usual one.
        warm_up_days: first days that only fill the state.
        newest: judge so many at most.
        partitions: spread users over so many.
    """

    settings: Settings
    data: Path
    label: str | None
    warm_up_days: float
    newest: int
    partitions: int

    def compare(self, old: Bundle, new: Bundle) -> Comparison:
        """Let both judge the payments that are newer than what either was made from.

        Raises:
            ArchiveError: there are none, or the archive cannot be read.
        """
        use_one_thread()
        console = Console(stderr=True)
        labels = labels_if_any(self.settings, self.data, self.label, console)
        source = open_archive(self.settings, self.data, partitions=self.partitions)
        with counting("payments read", console) as count:
            history = collect(
                source, self.settings, open_mapping(self.settings.events.mapping), newest=self.newest, progress=count
            )
        until = max(bundle.manifest.made.trained_until for bundle in (old, new))
        warm = history.begins + round(self.warm_up_days * DAY_MS)
        rows = (history.timestamp > until) & (history.timestamp >= warm)
        if not rows.any():
            raise ArchiveError(
                f"no payment of {str(self.data)!r} is newer than {time_text(until)}, until when the bundles learnt, "
                f"and than {time_text(warm)}, until when {self.warm_up_days:g} days fill the state; the newest is of "
                f"{time_text(int(history.timestamp[-1]))}: give later payments"
            )
        exam = Exam.of(history, labels, rows, seed=0)
        return compare(old, new.ensemble, exam, self.settings.alerts.alerts_per_million, name=rival_of(new))


def compared_on(trial: Trial, old: Path, new: Path) -> Comparison:
    """Compare two bundles on disk; see `Trial.compare`.

    Raises:
        BundleError: one cannot be used, or both are the same.
    """
    rivals = open_bundle(old), open_bundle(new)
    if rivals[0].sha256 == rivals[1].sha256:
        raise BundleError(f"{str(old)!r} and {str(new)!r} are the same bundle: choose another by --with")
    return trial.compare(*rivals)


def told_by_card(new: Path, old: Path) -> Comparison:
    """Return the comparison that was made when a bundle was fine-tuned.

    Raises:
        BundleError: it was compared with none, or with another than `old`.
    """
    card = card_of(new)
    told = None if card is None else card.comparison
    if told is None:
        raise BundleError(f"bundle {str(new)!r} was compared with none when it was made: give --data")
    if open_bundle(old).sha256 != told.old.sha256:
        raise BundleError(
            f"bundle {str(new)!r} was compared with {told.old.bundle_id} version {told.old.version} when it was made, "
            f"which is not the bundle of {str(old)!r}: give --data"
        )
    return told
