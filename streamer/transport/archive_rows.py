"""Rows of a tabular archive, whichever its format."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from streamer.errors import EnvironmentFault
from streamer.transport.archive_columns import Row
from streamer.transport.archive_files import PARQUET, kind_of
from streamer.transport.archive_text import csv_rows


def table_rows(file: Path, columns: Sequence[str], required: Sequence[str]) -> Iterator[Row]:
    """Return the rows of a Parquet or CSV file, in order; see `parquet_rows` and `csv_rows`.

    Raises:
        ArchiveError: the file cannot be read or does not fit.
        EnvironmentFault: pyarrow is needed and not installed.
    """
    if kind_of(file) != PARQUET:
        return csv_rows(file, columns, required)
    try:
        from streamer.transport.archive_parquet import parquet_rows  # noqa: PLC0415 (needs an extra)
    except ImportError as error:
        raise EnvironmentFault("Parquet files need pyarrow: run pip install 'fraud-streamer[train]'") from error
    return parquet_rows(file, columns, required)
