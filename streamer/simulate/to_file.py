"""Simulated events, with their truth, to a Parquet, CSV or JSON Lines file."""

import csv
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from streamer.errors import ArchiveError, EnvironmentFault
from streamer.simulate.event import SimulatedEvent
from streamer.simulate.labelled import COLUMNS, LabelledTransaction, values_of
from streamer.transport.archive_files import CSV, JSON_LINES, SUFFIXES, kind_of

Writer = Callable[[Iterable[SimulatedEvent], Path], None]


def to_file(events: Iterable[SimulatedEvent], path: Path) -> None:
    """Write events to a file, whose name's end tells the format.

    The file appears under its name when it is complete, in place of an older one.

    Args:
        events: what to write, in order.
        path: where to; its folder must exist.

    Raises:
        ArchiveError: the name's end is unknown, or the file cannot be written.
        EnvironmentFault: Parquet is asked for, and pyarrow is not installed.
    """
    write = _writer(path)
    unfinished = path.with_name(path.name + ".part")
    try:
        write(events, unfinished)
        unfinished.replace(path)
    except OSError as error:
        raise ArchiveError(f"{str(path)!r} cannot be written: {error.strerror or error}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _writer(path: Path) -> Writer:
    kind = kind_of(path)
    if kind not in SUFFIXES:
        raise ArchiveError(f"{str(path)!r} names no known format: end it in {', '.join(SUFFIXES)}")
    if kind in JSON_LINES:
        return _write_json_lines
    if kind == CSV:
        return _write_csv
    try:
        from streamer.simulate.to_parquet import write_parquet  # noqa: PLC0415 (needs an extra)
    except ImportError as error:
        raise EnvironmentFault("Parquet files need pyarrow: run pip install 'fraud-streamer[train]'") from error
    return write_parquet


def _write_json_lines(events: Iterable[SimulatedEvent], path: Path) -> None:
    encoder = msgspec.json.Encoder()
    with path.open("wb") as target:
        for event in events:
            row = dict(zip(COLUMNS, values_of(event), strict=True))
            target.write(encoder.encode(msgspec.convert(row, LabelledTransaction)) + b"\n")


def _write_csv(events: Iterable[SimulatedEvent], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(COLUMNS)
        for event in events:
            writer.writerow(
                "true" if value is True else "false" if value is False else value for value in values_of(event)
            )
