"""The command line: the only place where the parts are put together."""

import sys

import typer

from streamer import __version__
from streamer.cli.bundles import app as bundles
from streamer.cli.check import check
from streamer.cli.demo import demo
from streamer.cli.dlq import app as dlq
from streamer.cli.evaluate import evaluate
from streamer.cli.exits import code_of
from streamer.cli.replay import replay
from streamer.cli.run import run
from streamer.cli.simulate import simulate
from streamer.cli.train import train
from streamer.errors import StreamerError

app = typer.Typer(
    name="streamer",
    help="Finds fraud in payment streams: transactions in, alerts out, on Apache Kafka.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:  # noqa: FBT001 (the form of a Typer callback)
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(  # noqa: FBT001 (answered by the callback)
        False,  # noqa: FBT003 (default of a flag)
        "--version",
        callback=_print_version,
        is_eager=True,
        help="Print the version and exit.",
    ),
) -> None:
    pass


for command in (run, train, evaluate, replay, simulate, demo, check):
    app.command()(command)
app.add_typer(bundles, name="bundles")
app.add_typer(dlq, name="dlq")


def main() -> None:
    """Run the command line; errors made for people are printed without a stack trace."""
    try:
        app()
    except StreamerError as error:
        typer.echo(f"streamer: {error}", err=True)
        sys.exit(code_of(error))
