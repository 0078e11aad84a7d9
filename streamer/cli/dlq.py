"""`streamer dlq`: look at dead letters, and send them back once their fault is mended."""

import json
import sys
import threading
import time
from contextlib import closing
from typing import Annotated

import typer
from rich.console import Console

from streamer.cli.dlq_filters import Field, Limit, OriginTopic, Reasons, Since, Statuses, Until, selection_of
from streamer.cli.options import Bootstrap, Config, Json, Overrides, settings_from
from streamer.errors import SettingsError

app = typer.Typer(help="Look at dead letters, and send them back.", no_args_is_help=True)


@app.command("list")
def list_letters(
    reasons: Reasons = None,
    field: Field = None,
    origin_topic: OriginTopic = None,
    since: Since = None,
    until: Until = None,
    statuses: Statuses = None,
    limit: Limit = 50,
    config: Config = None,
    overrides: Overrides = None,
    bootstrap: Bootstrap = None,
    as_json: Json = False,
) -> None:
    """List dead letters, the newest last, and count them by reason."""
    from streamer.cli.dlq_report import listing_document, print_listing
    from streamer.cli.source import bounded_topic
    from streamer.dead_letters.ledger import read_ledger

    settings = settings_from(config, overrides, kafka__bootstrap_servers=bootstrap)
    selection = selection_of(reasons, field, origin_topic, since, until, statuses)
    with closing(bounded_topic(settings, settings.topics.dead_letters)) as topic:
        ledger = read_ledger(topic, selection.wants)
    letters = ledger.with_status(selection.statuses)
    if as_json:
        typer.echo(json.dumps(listing_document(ledger, letters, limit), indent=2))
    else:
        print_listing(ledger, letters, limit, Console())


@app.command()
def show(
    position: Annotated[str, typer.Argument(metavar="PARTITION/OFFSET", help="Where it is, as listed.")],
    raw: Annotated[
        bool, typer.Option("--raw", help="Write the value's bytes to standard output, and no more.")
    ] = False,
    config: Config = None,
    overrides: Overrides = None,
    bootstrap: Bootstrap = None,
    as_json: Json = False,
) -> None:
    """Show everything about one dead letter."""
    from streamer.cli.dlq_letter import letter_document, letter_text
    from streamer.cli.source import bounded_topic
    from streamer.dead_letters.find import find
    from streamer.dead_letters.held import why_nothing_is_at
    from streamer.dead_letters.letter import parse_position
    from streamer.transport.kafka import log_begins, log_ends

    asked = parse_position(position)
    if asked is None:
        raise SettingsError(f"{position!r} is no position: write PARTITION/OFFSET, as `streamer dlq list` does")
    settings = settings_from(config, overrides, kafka__bootstrap_servers=bootstrap)
    letters = settings.topics.dead_letters
    begins, ends = log_begins(settings.kafka, letters), log_ends(settings.kafka, letters)
    # Before all of the topic is read.
    fault = why_nothing_is_at(asked, begins, ends, topic=letters)
    if fault is not None:
        raise SettingsError(f"there is no letter {asked}: {fault}; `streamer dlq list` lists what is there")
    with closing(bounded_topic(settings, letters)) as topic:
        found = find(topic, asked)
    if found is None:
        raise SettingsError(
            f"there is no letter {asked}: this offset of topic {letters!r} is none of a record, but of a "
            "transaction's end or of one that was given up; `streamer dlq list` lists what is there"
        )
    if raw:
        sys.stdout.buffer.write(found.record.value or b"")
    elif as_json:
        typer.echo(json.dumps(letter_document(found), indent=2))
    else:
        typer.echo(letter_text(found))


@app.command()
def redrive(
    reasons: Reasons = None,
    field: Field = None,
    origin_topic: OriginTopic = None,
    since: Since = None,
    until: Until = None,
    statuses: Statuses = None,
    limit: Limit = None,
    to: Annotated[str | None, typer.Option(help="Topic to write to, instead of topics.transactions.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    per_second: Annotated[int, typer.Option(min=1, help="Most records a second.")] = 100,
    max_attempts: Annotated[int, typer.Option(min=1, help="How often a record may be redriven in all.")] = 1,
    config: Config = None,
    overrides: Overrides = None,
    bootstrap: Bootstrap = None,
    as_json: Json = False,
) -> None:
    """Write the records of dead letters back to their topic, each once.

    A mark in the dead-letter topic says that a letter is done, so the command may be repeated or
    killed at will.
    """
    from streamer import __version__
    from streamer.cli.dlq_redrive import open_past_transactions, redriving, target_rules
    from streamer.cli.dlq_report import summary_document, summary_text
    from streamer.cli.signals import stop_on_signals
    from streamer.clock import SystemClock
    from streamer.dead_letters.ledger import read_ledger
    from streamer.dead_letters.pace import Pace
    from streamer.dead_letters.plan import Request, plan
    from streamer.dead_letters.redrive import Redriver
    from streamer.progress import counting

    settings = settings_from(config, overrides, kafka__bootstrap_servers=bootstrap)
    selection = selection_of(reasons, field, origin_topic, since, until, statuses)
    request = Request(selection, target_rules(settings.topics, to, max_attempts), limit)
    stopping = threading.Event()
    stop_on_signals(stopping, drain_timeout_s=settings.worker.drain_timeout_s)
    if dry_run:
        with open_past_transactions(settings) as topic:
            wanted, summary = plan(read_ledger(topic, selection.wants), request)
        summary.redriven, summary.left = len(wanted), summary.left - len(wanted)
    else:
        with (
            redriving(settings, request.rules.target) as producer,
            counting("records redriven", Console(stderr=True), unit="records") as count,
        ):
            summary = Redriver(
                request,
                producer,
                lambda: open_past_transactions(settings),
                pace=Pace(per_second, now=time.monotonic, sleep=stopping.wait),
                clock=SystemClock(),
                version=__version__,
                timeout_s=settings.kafka.transaction_timeout_s,
                stopping=stopping,
                progress=count,
            ).run()
    if as_json:
        typer.echo(json.dumps(summary_document(summary, dry_run=dry_run), indent=2))
    else:
        typer.echo(summary_text(summary, dry_run=dry_run))
