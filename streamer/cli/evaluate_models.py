"""`streamer evaluate --train-start`: models against each other, by days of training and of test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from detectors.threads import use_one_thread
from detectors.training.candidates import CANDIDATES
from streamer import __version__
from streamer.cli.output import write_json
from streamer.cli.plots import keep
from streamer.cli.source import open_archive, read_truth
from streamer.clock import SystemClock
from streamer.events.mapping_file import open_mapping
from streamer.history import advances
from streamer.progress import counting
from streamer.protocol.contest import ALL, Entry, chosen, contest
from streamer.protocol.sample import Sample, gather
from streamer.protocol.split import Split
from streamer.protocol.table import document_of, tables_of
from streamer.settings import Settings
from streamer.training_progress import training

WIDTH = 160


@dataclass(frozen=True, slots=True)
class Contest:
    """What is compared, and how.

    Attributes:
        models: comma-separated names, or `all`.
        labels: whether models learn from the labels of the days of training.
        seeds: how many times each is trained.
        first_seed: the others follow it.
        cards_per_day: how many cards can be looked at.
    """

    models: str
    labels: bool
    seeds: int
    first_seed: int
    cards_per_day: int


def evaluate_models(
    settings: Settings,
    data: Path,
    split: Split,
    choice: Contest,
    *,
    label: str | None,
    partitions: int,
    as_json: bool,
    out: Path | None,
    plots: Path | None,
) -> None:
    """Train models on some days, judge them on later ones, and print how they compare.

    Raises:
        StreamerError: the data do not fit the split, or a model cannot be trained.
    """
    names = chosen(choice.models, CANDIDATES, labels=choice.labels)
    use_one_thread()
    console = Console(stderr=True)
    needing = [name for name, each in CANDIDATES.items() if each.needs_labels and not choice.labels]
    if choice.models == ALL and needing:
        console.print(f"left out, for they learn from labels: {', '.join(needing)} (add --labels delayed)")
    labels = read_truth(settings, data, label)
    source = open_archive(settings, data, partitions=partitions)
    with counting("payments read", console) as count:
        sample = gather(
            advances(source, settings, open_mapping(settings.events.mapping), progress=count), split, labels
        )
    del labels
    seeds = range(choice.first_seed, choice.first_seed + choice.seeds)
    used = {
        "version": __version__,
        "data": data.name,
        "mapping": settings.events.mapping,
        "labels": "delayed" if choice.labels else "none",
        "cards_per_day": choice.cards_per_day,
    }
    entries: list[Entry] = []
    try:
        with training(console) as move:
            for entry in contest(
                sample,
                {name: CANDIDATES[name] for name in names},
                seeds,
                SystemClock(),
                labels=choice.labels,
                cards_per_day=choice.cards_per_day,
                progress=move,
            ):
                entries.append(entry)
                if out is not None:
                    write_json(document_of(entries, sample, split, used), out)
    finally:
        # Hours of training must not be lost with the model that fails last.
        if plots is not None and entries:
            keep(_pictures(entries, sample, choice), plots)
    if as_json and out is None:
        write_json(document_of(entries, sample, split, used), None)
        return
    shown = Console()
    if not shown.is_terminal:
        # Files and pipes have no width; a terminal that is too narrow folds the figures.
        shown = Console(width=WIDTH)
    for table in tables_of(entries, sample, cards_per_day=choice.cards_per_day):
        shown.print(table)


def _pictures(entries: Sequence[Entry], sample: Sample, choice: Contest) -> Mapping[str, bytes]:
    from streamer.protocol.plots import draw
    from streamer.protocol.scene import Scene

    base = float(sample.truth.fraud.mean())
    return draw(Scene.of(entries, base=base, cards_per_day=choice.cards_per_day))
