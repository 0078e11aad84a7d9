"""Results as JSON, on standard output or in a file."""

import json
from collections.abc import Mapping
from pathlib import Path

import typer

from streamer.errors import EnvironmentFault


def require_place(out: Path) -> None:
    """Make sure that a file can be made: before the work, not after it.

    Raises:
        EnvironmentFault: its folder is not there.
    """
    if not out.parent.is_dir():
        raise EnvironmentFault(
            f"the result cannot be written to {str(out)!r}: make the folder {str(out.parent)!r} first"
        )


def make_folder(folder: Path, option: str) -> None:
    """Make a folder that an option names, unless it is there.

    Raises:
        EnvironmentFault: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentFault(f"{option}: the folder {str(folder)!r} cannot be made: {error}") from error


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
