"""Rows of a CSV file, and lines of a JSON Lines file."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from streamer.errors import ArchiveError
from streamer.transport.archive_columns import Row, require_columns


def csv_rows(file: Path, columns: Sequence[str], required: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of a UTF-8 file with a header; every value is a text, empty ones are left out.

    Args:
        file: what to read.
        columns: names of the columns wanted, where they exist.
        required: names of those that must exist.

    Raises:
        ArchiveError: the file cannot be read, lacks a column, or a row does not fit the header.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as source:
            reader = csv.reader(source, strict=True)
            header = next(reader, [])
            require_columns(file, header, required)
            wanted = [(header.index(name), name) for name in columns if name in header]
            for row in reader:
                if len(row) != len(header):
                    if not row:
                        continue
                    raise ArchiveError(
                        f"line {reader.line_num} of {str(file)!r} has {len(row)} values for {len(header)} columns: "
                        "quote values that hold commas"
                    )
                yield {name: row[place] for place, name in wanted if row[place]}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ArchiveError(f"CSV file {str(file)!r} cannot be read: {error}") from error


def json_lines(file: Path) -> Iterator[bytes]:
    """Yield the lines of a file as they are, without their ends, malformed and empty ones too.

    Raises:
        ArchiveError: the file cannot be read.
    """
    try:
        with file.open("rb") as source:
            for line in source:
                yield line.rstrip(b"\r\n")
    except OSError as error:
        raise ArchiveError(f"JSON Lines file {str(file)!r} cannot be read: {error}") from error
