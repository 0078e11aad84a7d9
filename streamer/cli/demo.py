"""`streamer demo`: everything on this machine, from nothing to live alerts."""

import json
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from streamer.cli.options import Json
from streamer.cli.signals import stop_on_signals

DRAIN_TIMEOUT_S = 90.0


def demo(
    duration: Annotated[
        float | None, typer.Option(min=1, help="Seconds of live payments; without it, until Ctrl-C.")
    ] = None,
    rate: Annotated[float, typer.Option(min=1, help="Live payments a second.")] = 500.0,
    users: Annotated[int, typer.Option(min=10, help="Simulated users.")] = 2_000,
    merchants: Annotated[int, typer.Option(min=50, help="Simulated merchants.")] = 500,
    history_days: Annotated[int, typer.Option(min=2, help="Simulated days before the live part.")] = 30,
    seed: Annotated[int, typer.Option(help="Another seed is another world.")] = 1,
    partitions: Annotated[int, typer.Option(min=1, help="Partitions of the input topic.")] = 2,
    alerts_per_million: Annotated[float, typer.Option(min=1, help="Alert budget.")] = 700.0,
    port: Annotated[int | None, typer.Option(help="Port of the worker's metrics; without it, any free one.")] = None,
    folder: Annotated[Path, typer.Option(help="Keeps Kafka, models and logs.", file_okay=False)] = Path(".streamer"),
    retrain: Annotated[bool, typer.Option("--retrain", help="Train anew even if an earlier model fits.")] = False,
    as_json: Json = False,
) -> None:
    """Start a real Kafka, simulate payments, train models and watch live alerts."""
    from streamer.clock import SystemClock
    from streamer.demo.options import DemoOptions
    from streamer.demo.session import Session

    options = DemoOptions(
        folder=folder.absolute(),
        duration_s=duration,
        rate=rate,
        users=users,
        merchants=merchants,
        history_days=history_days,
        seed=seed,
        partitions=partitions,
        port=port,
        alerts_per_million=alerts_per_million,
        retrain=retrain,
    )
    console = Console(stderr=True)
    stopping = threading.Event()
    stop_on_signals(stopping, drain_timeout_s=DRAIN_TIMEOUT_S)
    summary = Session(options, console=console, clock=SystemClock(), stopping=stopping).run()
    if summary is None:
        console.print("stopped before the live part")
    elif as_json:
        typer.echo(json.dumps(summary.as_json(), indent=2))
    else:
        console.print(summary.as_table())
