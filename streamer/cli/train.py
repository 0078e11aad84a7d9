"""`streamer train`: past payments to a bundle."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from streamer.cli.output import make_folder
from streamer.errors import EnvironmentFault

if TYPE_CHECKING:
    from collections.abc import Mapping as Read

    from detectors.manifest import Provenance
    from detectors.training.found import Found
    from streamer.history import History

ENOUGH_DAYS = 14
IN_MEMORY = 200_000
"""Windows that are held in memory, 2 KB each; where more are asked for, all are held in files."""


def train(
    out: Annotated[Path, typer.Option(help="Folder of the new bundle; must not exist.")],
    data: Data = None,
    from_topic: FromTopic = False,
    partitions: Partitions = 1,
    mapping: Mapping = None,
    preset: Preset = None,
    newest: Annotated[int, typer.Option(min=1_000, help="Learn from so many of the newest payments.")] = 60_000,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the data; unset: the models' own.")] = None,
    pretrain: Annotated[
        bool, typer.Option("--pretrain", help="Let backbones first learn to tell hidden fields of windows.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of all randomness in training.")] = 0,
    bundle_id: Annotated[str | None, typer.Option(help="Name of the line of bundles; unset begins one.")] = None,
    version: Annotated[str | None, typer.Option(help="Version within the line; unset: 1, or the next one.")] = None,
    start: Annotated[
        Path | None, typer.Option("--from", help="Fine-tune this bundle, or the one in use of this folder of bundles.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="Column of the truth, which the model card counts by.")] = None,
    data_licence: Annotated[str | None, typer.Option(help="Licence of the data, for the model card.")] = None,
    work_dir: Annotated[
        Path | None,
        typer.Option(help="Keep checkpoints here, to go on after a kill; unset: in OUT.training while it trains."),
    ] = None,
    tensorboard: Annotated[
        Path | None, typer.Option(help="Write curves and pictures of the training here, for TensorBoard.")
    ] = None,
    search: Annotated[
        int | None, typer.Option(min=1, help="Try so many settings of each model first; those tried before count.")
    ] = None,
    config: Config = None,
    overrides: Overrides = None,
    bootstrap: Bootstrap = None,
    as_json: Json = False,
) -> None:
    """Train a VAE and a GAN on past payments, or fine-tune a bundle; calibrate, save a bundle with its model card.

    A training that was killed goes on where it was.
    """
    from detectors.training.fit import Folders, TrainingConfig
    from detectors.training.processes import rank
    from streamer.cards.make import Circumstances
    from streamer.cli.command_line import command_line
    from streamer.cli.fine_tuning import require_nothing_new, successor_of
    from streamer.cli.source import labels_if_any, open_source
    from streamer.clock import SystemClock
    from streamer.events.mapping_file import open_mapping
    from streamer.history import collect
    from streamer.progress import counting
    from streamer.searching import search_models
    from streamer.training import NewBundle, train_bundle
    from streamer.training_folder import Workplace
    from streamer.training_progress import training

    _require_places(out, tensorboard)
    chosen_mapping = mapping_from(mapping, preset)
    settings = settings_from(config, overrides, kafka__bootstrap_servers=bootstrap, events__mapping=chosen_mapping)
    first = rank() == 0
    console = Console(stderr=True, quiet=not first)
    parent, bundle_id, version = successor_of(start, bundle_id, version)
    require_nothing_new(parent, search=search, pretrain=pretrain)
    labels = labels_if_any(settings, data, label, console)
    work = Workplace.beside(out, work_dir)
    files = work.files(rank()) if newest > IN_MEMORY else None
    source = open_source(settings, data=data, from_topic=from_topic, partitions=partitions)
    with counting("payments read", console) as count:
        chosen_fields = open_mapping(settings.events.mapping)
        history = collect(source, settings, chosen_fields, newest=newest, progress=count, files=files)
    _warn(history, console)
    chosen = TrainingConfig(seed=seed, pretrain=pretrain)
    if epochs is not None:
        chosen = replace(chosen, epochs=epochs)
    new = NewBundle(out, bundle_id, version, round(SystemClock().wall() * 1000))
    about = Circumstances(
        source=settings.topics.transactions if data is None else data.name,
        licence=data_licence,
        command=command_line(sys.argv),
        alerts_per_million=settings.alerts.alerts_per_million,
        labels=labels,
    )
    work.begin(history, chosen, parent=None if parent is None else parent.sha256, first=first)
    with training(console) as move:
        found = {}
        if search is not None:
            found = dict(search_models(history, chosen, trials=search, progress=move, folder=work.folder))
        tuned = {model: each.config for model, each in found.items()}
        folders = Folders(work.folder, curves=tensorboard)
        manifest = train_bundle(history, new, chosen, move, about=about, start=parent, folders=folders, tuned=tuned)
    work.finish(rank())
    if manifest is None:
        return
    _tell(out, manifest.made, found, history.rejected, as_json=as_json)


def _require_places(out: Path, tensorboard: Path | None) -> None:
    if out.exists():
        raise EnvironmentFault(f"{str(out)!r} exists: a bundle is never changed; choose another --out")
    if tensorboard is not None:
        make_folder(tensorboard, "--tensorboard")


def _warn(history: "History", console: Console) -> None:
    if history.rejected:
        console.print(
            f"warning: {history.rejected:,} records were no transactions and are left out; if they are payments, "
            "give a --mapping of their fields"
        )
    if history.days < ENOUGH_DAYS:
        console.print(
            f"warning: {history.days:.1f} days are little: users' histories will outgrow what the calibration saw, "
            f"and alerts will exceed the budget; give {ENOUGH_DAYS} days or more"
        )


def _tell(out: Path, made: "Provenance", found: "Read[str, Found]", rejected: int, *, as_json: bool) -> None:
    """Say what was made, and what a search found."""
    rows = made.rows
    if as_json:
        result = {
            "bundle": str(out),
            "bundle_id": made.bundle_id,
            "version": made.version,
            "rows": rows,
            "rejected": rejected,
            "metrics": made.metrics,
            "search": {
                name: {
                    "chosen": each.chosen,
                    "auc": each.value,
                    "auc_before": each.before,
                    "trials": each.trials,
                    "given_up": each.given_up,
                }
                for name, each in found.items()
            },
        }
        typer.echo(json.dumps(result, indent=2))
        return
    for name, each in found.items():
        chosen = (f"{key} {value if isinstance(value, str) else f'{value:.4g}'}" for key, value in each.chosen.items())
        typer.echo(
            f"{name}, best of {each.trials} trials ({each.given_up} given up early): {', '.join(chosen)}; "
            f"it told corruptions with AUC {each.value:.4f}, before {each.before:.4f}"
        )
    typer.echo(f"{out}: bundle {made.bundle_id} version {made.version}")
    typer.echo(f"learnt from {rows['fit']:,} payments, calibrated on the {rows['held_back']:,} after them")
    typer.echo(f"its model card: {out / 'card.html'}")
    typer.echo(f"next: streamer check --bundle {out}")
