"""`streamer evaluate`: a bundle, or models to be trained, against labelled payments."""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from streamer.cli.options import Config, Json, Mapping, Overrides, Partitions, Preset, mapping_from, settings_from
from streamer.cli.output import require_place
from streamer.errors import SettingsError


class Labels(StrEnum):
    """What models may learn from the truth of the days of training."""

    NONE = "none"
    DELAYED = "delayed"


_OF_MODELS = ("train_days", "delay_days", "test_days", "cards_per_day", "models", "labels", "seeds", "seed")
_OF_BUNDLES = ("episode", "warm_up_days")


def evaluate(
    context: typer.Context,
    data: Annotated[Path, typer.Option(help="Labelled archive: Parquet, CSV or JSON lines.")],
    out: Annotated[Path | None, typer.Argument(help="With --json: write to this file.", metavar="[OUT]")] = None,
    bundle: Annotated[Path | None, typer.Option(help="Folder of the model bundle: worker.bundle.")] = None,
    label: Annotated[
        str | None, typer.Option(help="Column of the truth; is_fraud if unset; a mapping names its own.")
    ] = None,
    episode: Annotated[str | None, typer.Option(help="Column that names bursts; each counts once.")] = None,
    warm_up_days: Annotated[float, typer.Option(min=0, help="First days that only fill the state.")] = 7.0,
    mapping: Mapping = None,
    preset: Preset = None,
    train_start: Annotated[
        str | None, typer.Option(metavar="DATE", help="Train models from this day (UTC) on, instead of a bundle.")
    ] = None,
    train_days: Annotated[int, typer.Option(help="Days that models learn from.")] = 7,
    delay_days: Annotated[int, typer.Option(help="Days after these until their labels are known.")] = 7,
    test_days: Annotated[int, typer.Option(help="Days after these that are judged.")] = 7,
    cards_per_day: Annotated[int, typer.Option(min=1, help="Users that investigators can look at in a day.")] = 100,
    models: Annotated[str, typer.Option(help="Names of models, separated by commas, or all.")] = "all",
    labels: Annotated[Labels, typer.Option(help="Whether models may learn from labels that are known.")] = Labels.NONE,
    seeds: Annotated[int, typer.Option(min=1, help="Train each model so many times.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The first seed.")] = 0,
    plots: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Draw what is found, as SVG and PNG, into this folder.")
    ] = None,
    partitions: Partitions = 1,
    config: Config = None,
    overrides: Overrides = None,
    as_json: Json = False,
) -> None:
    """Judge a bundle on labelled payments; with --train-start, train models and compare them."""
    if out is not None and not as_json:
        raise SettingsError(f"{str(out)!r} is not expected: write --json before it to have the result written there")
    if out is not None:
        require_place(out)
    if plots is not None:
        from streamer.cli.plots import open_folder

        open_folder(plots)
    settings = settings_from(config, overrides, worker__bundle=bundle, events__mapping=mapping_from(mapping, preset))
    if train_start is None:
        _require_unused(context, _OF_MODELS, "is for models that are trained here: add --train-start, or leave it out")
        from streamer.cli.evaluate_bundle import evaluate_bundle

        evaluate_bundle(
            settings,
            data,
            label=label,
            episode=episode,
            warm_up_days=warm_up_days,
            partitions=partitions,
            as_json=as_json,
            out=out,
            plots=plots,
        )
        return
    if bundle is not None:
        raise SettingsError("choose one: --bundle judges a finished bundle, --train-start trains models")
    _require_unused(context, _OF_BUNDLES, "is for a finished bundle: leave it out with --train-start")
    from streamer.cli.evaluate_models import Contest, evaluate_models
    from streamer.protocol.split import Split

    split = Split.from_date(train_start, train_days=train_days, delay_days=delay_days, test_days=test_days)
    choice = Contest(models, labels is Labels.DELAYED, seeds, seed, cards_per_day)
    evaluate_models(
        settings, data, split, choice, label=label, partitions=partitions, as_json=as_json, out=out, plots=plots
    )


def _require_unused(context: typer.Context, names: Iterable[str], why: str) -> None:
    """Refuse options that were given and would do nothing.

    Raises:
        SettingsError: names the option.
    """
    for name in names:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise SettingsError(f"--{name.replace('_', '-')} {why}")
