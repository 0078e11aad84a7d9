"""`streamer simulate`: payments with habits and fraud, to a file or a topic."""

import json
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamer.cli.options import Bootstrap, Config, Json, Overrides, require_topic_name, settings_from
from streamer.errors import SettingsError
from streamer.simulate.config import DAY_MS, SimulationConfig

if TYPE_CHECKING:
    from rich.progress import Progress

    from streamer.settings import Settings
    from streamer.simulate.event import SimulatedEvent
    from streamer.simulate.tally import Tally

_DEFAULTS = SimulationConfig()
_REFRESH_EVENTS = 500


def simulate(
    to_file: Annotated[Path | None, typer.Option(help="Write a .parquet, .csv or .jsonl file, with labels.")] = None,
    to_topic: Annotated[str | None, typer.Option(help="Write to this Kafka topic, without labels.")] = None,
    users: Annotated[int, typer.Option(help="How many people pay.")] = _DEFAULTS.users,
    merchants: Annotated[int, typer.Option(help="How many merchants they can pay.")] = _DEFAULTS.merchants,
    days: Annotated[int, typer.Option(help="How many days.")] = _DEFAULTS.days,
    start: Annotated[str, typer.Option(metavar="DATE", help="First day, UTC.")] = "2025-01-01",
    seed: Annotated[int, typer.Option(help="Another seed is another world.")] = _DEFAULTS.seed,
    rate: Annotated[float | None, typer.Option(min=0.001, help="Events a second; unset: as fast as possible.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many events.")] = None,
    fraud_rate: Annotated[
        float, typer.Option(help="Fraud bursts per 1,000 users and day.")
    ] = _DEFAULTS.episodes_per_1000_user_days,
    config: Config = None,
    overrides: Overrides = None,
    bootstrap: Bootstrap = None,
    as_json: Json = False,
) -> None:
    """Simulate card payments with several kinds of fraud."""
    if (to_file is None) == (to_topic is None):
        raise SettingsError("choose one target: --to-file PATH or --to-topic NAME")
    if to_topic is not None:
        require_topic_name("--to-topic", to_topic)
    from streamer.simulate.pace import paced
    from streamer.simulate.stream import simulate as simulated
    from streamer.simulate.tally import Tally

    world = SimulationConfig(
        users=users,
        merchants=merchants,
        start=_midnight(start),
        days=days,
        seed=seed,
        episodes_per_1000_user_days=fraud_rate,
    )
    tally = Tally()
    begin = time.monotonic()
    with _progress() as progress:
        events = _shown(tally.watch(islice(simulated(world), limit)), tally, world, limit, progress)
        if rate is not None:
            events = paced(events, rate, now=time.monotonic, sleep=time.sleep)
        if to_topic is not None:
            settings = settings_from(config, overrides, kafka__bootstrap_servers=bootstrap)
            _write_topic(events, settings, to_topic)
        elif to_file is not None:
            from streamer.simulate.to_file import to_file as write

            write(events, to_file)
    seconds = time.monotonic() - begin
    typer.echo(_json(str(to_file or to_topic), tally, seconds) if as_json else _sentence(tally, seconds))


def _midnight(text: str) -> int:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise SettingsError(f"--start {text!r} is no date: write it as 2025-01-31") from None
    return int(day.timestamp()) * 1_000


def _progress() -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from streamer.progress import RateColumn

    console = Console(stderr=True)
    return Progress(
        TextColumn("simulating"),
        BarColumn(),
        TextColumn("{task.fields[events]:,}"),
        RateColumn("events", "events"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _shown(
    events: "Iterable[SimulatedEvent]",
    tally: "Tally",
    world: SimulationConfig,
    limit: int | None,
    progress: "Progress",
) -> "Iterator[SimulatedEvent]":
    task = progress.add_task("simulating", total=1.0, events=0)
    for event in events:
        if tally.events % _REFRESH_EVENTS == 0:
            passed = (int(event.transaction.timestamp) - world.start) / (world.days * DAY_MS)
            done = max(passed, tally.events / limit if limit else 0.0)
            progress.update(task, completed=done, events=tally.events)
        yield event


def _write_topic(events: "Iterable[SimulatedEvent]", settings: "Settings", topic: str) -> None:
    from streamer.simulate.to_topic import to_topic
    from streamer.transport.kafka import KafkaProducer

    producer = KafkaProducer(settings.kafka)
    try:
        to_topic(events, producer, topic, now=time.monotonic, flush_timeout_s=settings.worker.flush_timeout_s)
    finally:
        producer.close()


def _json(target: str, tally: "Tally", seconds: float) -> str:
    summary = {
        "target": target,
        "events": tally.events,
        "fraud_events": tally.fraud.total(),
        "fraud_events_by_kind": {kind.value: count for kind, count in sorted(tally.fraud.items())},
        "fraud_episodes_by_kind": {kind.value: count for kind, count in sorted(tally.episodes.items())},
        "seconds": round(seconds, 3),
        "events_per_second": round(tally.events / max(seconds, 1e-9)),
    }
    return json.dumps(summary, indent=2)


def _sentence(tally: "Tally", seconds: float) -> str:
    total = tally.fraud.total()
    rate = tally.events / max(seconds, 1e-9)
    share = total / max(tally.events, 1)
    head = f"{tally.events:,} events in {seconds:.1f} s ({rate:,.0f}/s), {total:,} of them fraud ({share:.2%})"
    kinds = (
        f"  {kind.value:<22}{count:>8,} events in {tally.episodes[kind]:,} bursts"
        for kind, count in sorted(tally.fraud.items())
    )
    return "\n".join((head, *kinds))
