"""`streamer bundles`: a folder of bundles, which of them is in use, and how fast they judge."""

from pathlib import Path
from typing import Annotated

import typer

from streamer.cli.options import Config, Json, Mapping, Overrides, Partitions, Preset, mapping_from, settings_from
from streamer.cli.output import write_json
from streamer.settings import Settings

app = typer.Typer(help="Compare bundles of a folder, and choose the one in use.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="Folder that holds bundles.")]
NewBundle = Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder of the bundle, in a folder of bundles.")]
Payments = Annotated[
    Path | None, typer.Option("--data", help="Archive with payments newer than both bundles, labelled or not.")
]
Label = Annotated[str | None, typer.Option(help="Column of the truth; is_fraud if unset; a mapping names its own.")]
WarmUp = Annotated[float, typer.Option(min=0, help="First days of the archive that only fill the state.")]
Newest = Annotated[int, typer.Option(min=1_000, help="Judge so many of the newest payments.")]


@app.command("list")
def list_bundles(folder: Folder, as_json: Json = False) -> None:
    """List bundles: what they are, what they are worth, which one is in use."""
    from streamer.cli.bundles_report import listed, listing_document, print_listing, terminal
    from streamer.promoting import known_promotions

    promotions = known_promotions(folder)
    found = listed(folder, promotions)
    if as_json:
        write_json(listing_document(found, promotions), None)
    else:
        print_listing(folder, found, terminal())


@app.command()
def compare(
    bundle: NewBundle,
    other: Annotated[
        Path | None, typer.Option("--with", help="The bundle to compare with; unset: the one in use beside it.")
    ] = None,
    data: Payments = None,
    label: Label = None,
    warm_up_days: WarmUp = 7.0,
    newest: Newest = 60_000,
    mapping: Mapping = None,
    preset: Preset = None,
    partitions: Partitions = 1,
    config: Config = None,
    overrides: Overrides = None,
    as_json: Json = False,
) -> None:
    """Compare a bundle with the one in use; without --data, tell what its card says of that."""
    from streamer.cli.bundles_compare import Trial, compared_on, told_by_card
    from streamer.cli.bundles_report import comparison_document, print_comparison, terminal

    old = other if other is not None else bundle.resolve().parent
    if data is None:
        comparison = told_by_card(bundle, old)
    else:
        settings = settings_from(config, overrides, events__mapping=mapping_from(mapping, preset))
        comparison = compared_on(Trial(settings, data, label, warm_up_days, newest, partitions), old, bundle)
    if as_json:
        write_json(comparison_document(comparison), None)
    else:
        print_comparison(comparison, terminal())


@app.command()
def promote(
    bundle: NewBundle,
    force: Annotated[bool, typer.Option("--force", help="Put it in use in spite of objections.")] = False,
    data: Payments = None,
    label: Label = None,
    warm_up_days: WarmUp = 7.0,
    newest: Newest = 60_000,
    mapping: Mapping = None,
    preset: Preset = None,
    partitions: Partitions = 1,
    config: Config = None,
    overrides: Overrides = None,
    as_json: Json = False,
) -> None:
    """Put a bundle in use, unless it is worse than the one that is.

    Workers whose worker.bundle is the folder of bundles take it over by themselves.
    """
    from streamer.cli.bundles_compare import Trial
    from streamer.cli.bundles_report import print_promoted, promoted_document, terminal
    from streamer.clock import SystemClock
    from streamer.promoting import promote as put_in_use

    judge = None
    if data is not None:
        settings: Settings = settings_from(config, overrides, events__mapping=mapping_from(mapping, preset))
        judge = Trial(settings, data, label, warm_up_days, newest, partitions).compare
    done = put_in_use(bundle, at=round(SystemClock().wall() * 1000), force=force, compare=judge)
    if as_json:
        write_json(promoted_document(done), None)
    else:
        print_promoted(done, terminal())


@app.command()
def rollback(folder: Folder, as_json: Json = False) -> None:
    """Put the bundle in use again that was in use before."""
    from streamer.cli.bundles_report import print_promoted, promoted_document, terminal
    from streamer.clock import SystemClock
    from streamer.promoting import roll_back

    done = roll_back(folder, at=round(SystemClock().wall() * 1000))
    if as_json:
        write_json(promoted_document(done), None)
    else:
        print_promoted(done, terminal())


@app.command()
def backends(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder of the bundle.")],
    data: Annotated[
        Path | None, typer.Option("--data", help="Archive whose newest payments are judged; unset: simulated ones.")
    ] = None,
    mapping: Mapping = None,
    preset: Preset = None,
    partitions: Partitions = 1,
    config: Config = None,
    overrides: Overrides = None,
    as_json: Json = False,
) -> None:
    """Measure on this machine what worker.backend can be: speed, and what becomes of scores and alerts."""
    from streamer.cli.bundles_backends import measured_on, print_trial, trial_document
    from streamer.cli.bundles_report import terminal

    settings = settings_from(config, overrides, events__mapping=mapping_from(mapping, preset))
    trial = measured_on(settings, bundle, data, partitions)
    if as_json:
        write_json(trial_document(trial), None)
    else:
        print_trial(trial, terminal())
