"""`streamer check`: is everything in place for `streamer run`?"""

import json
from pathlib import Path
from typing import Annotated

import typer

from streamer.cli.exits import Exit
from streamer.cli.options import Bootstrap, Config, Json, Overrides, settings_from
from streamer.errors import StreamerError


def check(
    config: Config = None,
    overrides: Overrides = None,
    bundle: Annotated[Path | None, typer.Option(help="Folder of the model bundle: worker.bundle.")] = None,
    bootstrap: Bootstrap = None,
    create_topics: Annotated[
        int | None, typer.Option(min=1, metavar="PARTITIONS", help="Create missing topics with so many partitions.")
    ] = None,
    table: Annotated[bool, typer.Option("--settings", help="Print all settings as a Markdown table and stop.")] = False,
    as_json: Json = False,
) -> None:
    """Check settings, bundle, brokers and topics, and say what is wrong."""
    from streamer.checks import all_checks, settings_table

    if table:
        typer.echo(settings_table())
        return
    settings = settings_from(config, overrides, worker__bundle=bundle, kafka__bootstrap_servers=bootstrap)
    results = []
    for name, look in all_checks(settings, create_partitions=create_topics):
        try:
            results.append({"check": name, "ok": True, "detail": look()})
        except StreamerError as error:
            results.append({"check": name, "ok": False, "detail": str(error)})
    if as_json:
        typer.echo(json.dumps({"ok": all(r["ok"] for r in results), "checks": results}, indent=2))
    else:
        for result in results:
            typer.echo(f"{'ok   ' if result['ok'] else 'WRONG'}  {result['check']}: {result['detail']}")
    if not all(result["ok"] for result in results):
        raise typer.Exit(Exit.CHECK_FAILED)
