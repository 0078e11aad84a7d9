"""`streamer evaluate --bundle`: a bundle against labelled payments."""

from dataclasses import asdict
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from streamer.cards.spread import spread
from streamer.cli.assembly import offline_pipeline
from streamer.cli.output import write_json
from streamer.cli.plots import keep
from streamer.cli.source import open_archive, read_truth
from streamer.clock import SystemClock
from streamer.curves import curves_of
from streamer.errors import ArchiveError, SettingsError
from streamer.evaluation import judge, qualities, voices
from streamer.progress import counting
from streamer.settings import Settings
from streamer.transport.archive_labels import read_episodes


def evaluate_bundle(
    settings: Settings,
    data: Path,
    *,
    label: str | None,
    episode: str | None,
    warm_up_days: float,
    partitions: int,
    as_json: bool,
    out: Path | None,
    plots: Path | None,
) -> None:
    """Judge labelled payments through the live pipeline and print how well they rank.

    Raises:
        StreamerError: the bundle, the archive or its labels cannot be used.
    """
    if episode is not None and settings.events.mapping is not None:
        raise SettingsError("--episode needs payments with canonical names: bursts have no place in a mapping")
    pipeline = offline_pipeline(settings)
    labels = read_truth(settings, data, label)
    episodes = {} if episode is None else read_episodes(data, episode)
    source = open_archive(settings, data, partitions=partitions)
    with counting("payments judged", Console(stderr=True)) as count:
        judged = judge(source, pipeline, SystemClock(), labels, episodes, progress=count)
    judged = judged.after(days=warm_up_days)
    frauds = int(judged.fraud.sum())
    if frauds in {0, len(judged.fraud)}:
        raise ArchiveError(
            f"after {warm_up_days:g} days of warm-up {frauds} of {len(judged.fraud)} payments are fraud: "
            "give data with both kinds, or a shorter --warm-up-days"
        )
    found = qualities(judged, pipeline.detector_names)
    curves = {name: curves_of(score, judged.fraud) for name, score in voices(judged, pipeline.detector_names).items()}
    scores = spread(judged.risk[~judged.fraud], judged.risk[judged.fraud])
    if plots is not None:
        from streamer.evaluation_plots import Scene, draw

        budget = settings.alerts.alerts_per_million
        keep(draw(Scene(curves, scores, float(judged.fraud.mean()), budget)), plots)
    if as_json:
        report = {
            "payments": len(judged.fraud),
            "frauds": frauds,
            "unlabelled": judged.unlabelled,
            "scores": {name: asdict(figures) for name, figures in found.items()},
            "curves": {name: asdict(points) for name, points in curves.items()},
            "histogram": msgspec.to_builtins(scores),
        }
        write_json(report, out)
        return
    table = Table(title=f"{len(judged.fraud):,} payments, {frauds:,} of them fraud")
    headings = ["score", "AUC", "AP", "recall at 0.1 %", "0.5 %", "1 %", "precision at 0.1 %"]
    for heading in headings if episode is None else [*headings, "bursts at 0.5 %"]:
        table.add_column(heading, justify="left" if heading == "score" else "right")
    for name, figures in found.items():
        numbers = [figures.auc, figures.average_precision, *figures.recall_at.values(), figures.precision_at[0.001]]
        if episode is not None:
            numbers.append(figures.episodes_at[0.005])
        table.add_row(name, *(f"{number:.3f}" for number in numbers))
    Console().print(table)
