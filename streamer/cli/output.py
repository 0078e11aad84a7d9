"""Results as JSON, on standard output or in a file."""

import json
from collections.abc import Mapping
from pathlib import Path

import typer

from streamer.errors import EnvironmentFault


def write_json(document: Mapping[str, object], out: Path | None) -> None:
    """Write one JSON document to a file, or print it where there is no file.

    Raises:
        EnvironmentFault: the file cannot be written.
    """
    text = json.dumps(document, indent=2, allow_nan=False)
    if out is None:
        typer.echo(text)
        return
    try:
        out.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise EnvironmentFault(f"the result cannot be written to {str(out)!r}: {error}") from error
