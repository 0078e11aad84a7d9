"""`streamer run`: the deployed consumer."""

import threading
from pathlib import Path
from typing import Annotated

import typer

from streamer.cli.options import Bootstrap, Config, Overrides, settings_from
from streamer.cli.signals import stop_on_signals


def run(
    config: Config = None,
    overrides: Overrides = None,
    bundle: Annotated[Path | None, typer.Option(help="Folder of the model bundle: worker.bundle.")] = None,
    bootstrap: Bootstrap = None,
    port: Annotated[int | None, typer.Option(help="Port of metrics and health: http.port; 0 is any.")] = None,
    record_tensors: Annotated[Path | None, typer.Option(help="Keep every scored window in this folder.")] = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="Log where the time goes, and a table at the end.")
    ] = False,
) -> None:
    """Consume transactions, publish alerts, until SIGTERM or SIGINT."""
    settings = settings_from(
        config,
        overrides,
        worker__bundle=bundle,
        kafka__bootstrap_servers=bootstrap,
        http__port=port,
        worker__record_tensors=record_tensors,
    )
    stopping = threading.Event()
    stop_on_signals(stopping, drain_timeout_s=settings.worker.drain_timeout_s)
    from streamer.cli.assembly import serve_worker

    serve_worker(settings, stopping, profile=profile)
