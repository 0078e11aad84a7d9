"""`streamer replay`: the live pipeline over a file or a topic, without publishing."""

import json
from collections import Counter
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


def replay(
    data: Data = None,
    from_topic: FromTopic = False,
    partitions: Partitions = 1,
    mapping: Mapping = None,
    preset: Preset = None,
    bundle: Annotated[Path | None, typer.Option(help="Folder of the model bundle: worker.bundle.")] = None,
    alerts: Annotated[Path | None, typer.Option(help="Write the alerts to this file, as JSON lines.")] = None,
    record_tensors: Annotated[Path | None, typer.Option(help="Keep every scored window in this folder.")] = None,
    config: Config = None,
    overrides: Overrides = None,
    bootstrap: Bootstrap = None,
    as_json: Json = False,
) -> None:
    """Judge past payments as the worker would, and say what it would have raised."""
    from streamer.cli.assembly import offline_pipeline
    from streamer.cli.source import open_source
    from streamer.clock import SystemClock
    from streamer.progress import counting, rate_text
    from streamer.recorder import Recorder
    from streamer.replay import AlertFile, totals
    from streamer.replay import replay as replayed

    settings = settings_from(
        config,
        overrides,
        worker__bundle=bundle,
        kafka__bootstrap_servers=bootstrap,
        events__mapping=mapping_from(mapping, preset),
    )
    pipeline = offline_pipeline(settings)
    source = open_source(settings, data=data, from_topic=from_topic, partitions=partitions)
    recorder = None if record_tensors is None else Recorder(record_tensors)
    sums: Counter[str] = Counter()
    clock = SystemClock()
    begin = clock.monotonic()
    with AlertFile(alerts) as file, counting("payments judged", Console(stderr=True)) as count:
        for outcome in replayed(source, pipeline, clock, max_records=settings.worker.max_poll_records):
            if recorder is not None:
                recorder.write(outcome)
            file.write(outcome)
            found = totals(outcome)
            sums.update(found)
            count(found["records"])
    seconds = clock.monotonic() - begin
    if as_json:
        speed = {"seconds": round(seconds, 3), "records_per_second": round(sums["records"] / max(seconds, 1e-9))}
        typer.echo(json.dumps({**sums, **speed}, indent=2))
        return
    if not sums:
        typer.echo("nothing to read")
        return
    typer.echo(", ".join(f"{count:,} {name}" for name, count in sums.items()))
    typer.echo(f"in {seconds:.1f} s, {rate_text(sums['records'], seconds, 'records')}")
