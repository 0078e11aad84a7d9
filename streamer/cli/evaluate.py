"""`streamer evaluate`: a bundle against labelled payments."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from streamer.cli.options import Config, Json, Overrides, Partitions, settings_from
from streamer.errors import ArchiveError


def evaluate(
    data: Annotated[Path, typer.Option(help="Labelled archive: Parquet, CSV or JSON lines.")],
    bundle: Annotated[Path | None, typer.Option(help="Folder of the model bundle: worker.bundle.")] = None,
    label: Annotated[str, typer.Option(help="Column of the truth: true/false or 1/0.")] = "is_fraud",
    episode: Annotated[str | None, typer.Option(help="Column that names bursts; each counts once.")] = None,
    warm_up_days: Annotated[float, typer.Option(min=0, help="First days that only fill the state.")] = 7.0,
    partitions: Partitions = 1,
    config: Config = None,
    overrides: Overrides = None,
    as_json: Json = False,
) -> None:
    """Judge labelled payments through the live pipeline and print how well they rank."""
    from streamer.cli.assembly import offline_pipeline
    from streamer.clock import SystemClock
    from streamer.evaluation import judge, qualities
    from streamer.progress import counting
    from streamer.transport.archive import ArchiveSource
    from streamer.transport.archive_labels import read_episodes, read_labels

    settings = settings_from(config, overrides, worker__bundle=bundle)
    pipeline = offline_pipeline(settings)
    labels = read_labels(data, label)
    episodes = {} if episode is None else read_episodes(data, episode)
    source = ArchiveSource(data, topic=settings.topics.transactions, partitions=partitions)
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
    if as_json:
        report = {
            "payments": len(judged.fraud),
            "frauds": frauds,
            "unlabelled": judged.unlabelled,
            "scores": {name: asdict(figures) for name, figures in found.items()},
        }
        typer.echo(json.dumps(report, indent=2))
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
