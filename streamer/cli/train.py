"""`streamer train`: past payments to a bundle."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from streamer.cli.options import (
    Bootstrap,
    Config,
    Data,
    FromTopic,
    Json,
    Mapping,
    Overrides,
    Partitions,
    Preset,
    mapping_from,
    settings_from,
)
from streamer.errors import EnvironmentFault

ENOUGH_DAYS = 14


def train(
    out: Annotated[Path, typer.Option(help="Folder of the new bundle; must not exist.")],
    data: Data = None,
    from_topic: FromTopic = False,
    partitions: Partitions = 1,
    mapping: Mapping = None,
    preset: Preset = None,
    newest: Annotated[int, typer.Option(min=1_000, help="Learn from so many of the newest payments.")] = 60_000,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the data; unset: the models' own.")] = None,
    seed: Annotated[int, typer.Option(help="Of all randomness in training.")] = 0,
    bundle_id: Annotated[str | None, typer.Option(help="Name of the line of bundles; unset begins one.")] = None,
    version: Annotated[str | None, typer.Option(help="Version within the line; unset: 1, or the next one.")] = None,
    start: Annotated[
        Path | None, typer.Option("--from", help="Fine-tune this bundle, or the one in use of this folder of bundles.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="Column of the truth, which the model card counts by.")] = None,
    data_licence: Annotated[str | None, typer.Option(help="Licence of the data, for the model card.")] = None,
    config: Config = None,
    overrides: Overrides = None,
    bootstrap: Bootstrap = None,
    as_json: Json = False,
) -> None:
    """Train a VAE and a GAN on past payments, or fine-tune a bundle; calibrate, save a bundle with its model card."""
    from detectors.training.fit import TrainingConfig
    from streamer.cards.make import Circumstances
    from streamer.cli.command_line import command_line
    from streamer.cli.fine_tuning import successor_of
    from streamer.cli.source import labels_if_any, open_source
    from streamer.clock import SystemClock
    from streamer.events.mapping_file import open_mapping
    from streamer.history import collect
    from streamer.progress import counting
    from streamer.training import NewBundle, train_bundle
    from streamer.training_progress import training

    if out.exists():
        raise EnvironmentFault(f"{str(out)!r} exists: a bundle is never changed; choose another --out")
    chosen_mapping = mapping_from(mapping, preset)
    settings = settings_from(config, overrides, kafka__bootstrap_servers=bootstrap, events__mapping=chosen_mapping)
    console = Console(stderr=True)
    parent, bundle_id, version = successor_of(start, bundle_id, version)
    labels = labels_if_any(settings, data, label, console)
    source = open_source(settings, data=data, from_topic=from_topic, partitions=partitions)
    with counting("payments read", console) as count:
        history = collect(source, settings, open_mapping(settings.events.mapping), newest=newest, progress=count)
    if history.days < ENOUGH_DAYS:
        console.print(
            f"warning: {history.days:.0f} days are little: users' histories will outgrow what the calibration saw, "
            f"and alerts will exceed the budget; give {ENOUGH_DAYS} days or more"
        )
    chosen = TrainingConfig(seed=seed) if epochs is None else TrainingConfig(seed=seed, epochs=epochs)
    new = NewBundle(out, bundle_id, version, round(SystemClock().wall() * 1000))
    about = Circumstances(
        source=settings.topics.transactions if data is None else data.name,
        licence=data_licence,
        command=command_line(sys.argv),
        alerts_per_million=settings.alerts.alerts_per_million,
        labels=labels,
    )
    with training(console) as move:
        made = train_bundle(history, new, chosen, move, about=about, start=parent).made
    result = {
        "bundle": str(out),
        "bundle_id": made.bundle_id,
        "version": made.version,
        "rows": made.rows,
        "rejected": history.rejected,
        "metrics": made.metrics,
    }
    if as_json:
        typer.echo(json.dumps(result, indent=2))
        return
    rows = made.rows
    typer.echo(f"{out}: bundle {made.bundle_id} version {made.version}")
    typer.echo(f"learnt from {rows['fit']:,} payments, calibrated on the {rows['held_back']:,} after them")
    typer.echo(f"its model card: {out / 'card.html'}")
    typer.echo(f"next: streamer check --bundle {out}")
