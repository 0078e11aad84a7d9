"""The truth beside archived transactions, for evaluation; it never comes near a feature."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from streamer.errors import ArchiveError
from streamer.transport.archive_columns import Row
from streamer.transport.archive_files import JSON_LINES, archive_files, kind_of
from streamer.transport.archive_rows import table_rows
from streamer.transport.archive_text import json_lines

_DECODER = msgspec.json.Decoder()
_TRUTH = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


def read_labels(path: Path, column: str = "is_fraud") -> dict[str, bool]:
    """Return whether each transaction was fraud, by transaction id.

    Transactions without a label, and malformed lines of JSON Lines, are left out.

    Args:
        path: an archive file, or a folder of them.
        column: holds true/false, 1/0 or their texts.

    Raises:
        ArchiveError: the archive cannot be read, holds no such column, or another value in it.
        EnvironmentFault: the package that reads it is not installed.
    """
    return {name: _truth(value, name, column, path) for name, value in _pairs(path, column)}


def read_episodes(path: Path, column: str = "episode_id") -> dict[str, str]:
    """Return the name of the fraud burst a transaction belongs to, by transaction id.

    Raises:
        ArchiveError: the archive cannot be read or holds no such column.
        EnvironmentFault: the package that reads it is not installed.
    """
    return {name: str(value) for name, value in _pairs(path, column)}


def _pairs(path: Path, column: str) -> Iterator[tuple[str, object]]:
    for file in archive_files(path):
        found = False
        for row in _rows(file, ("transaction_id", column)):
            found = found or column in row
            if row.get(column) is not None and "transaction_id" in row:
                yield str(row["transaction_id"]), row[column]
        if not found and kind_of(file) in JSON_LINES:
            raise ArchiveError(f"no line of {str(file)!r} has a field {column!r}: name that of the truth by --label")


def _rows(file: Path, columns: Sequence[str]) -> Iterator[Row]:
    if kind_of(file) in JSON_LINES:
        return _objects(file)
    return table_rows(file, columns, columns)


def _objects(file: Path) -> Iterator[Row]:
    for line in json_lines(file):
        try:
            row = _DECODER.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if isinstance(row, dict):
            yield row


def _truth(value: object, transaction: str, column: str, path: Path) -> bool:
    truth = _TRUTH.get(str(value).strip().lower())
    if truth is None:
        raise ArchiveError(
            f"transaction {transaction!r} of {str(path)!r} has {str(value)[:40]!r} in column {column!r}: "
            "write true or false"
        )
    return truth
