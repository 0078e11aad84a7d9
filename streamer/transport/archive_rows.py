"""A tabular archive, whichever its format."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from streamer.errors import EnvironmentFault
from streamer.transport.archive_columns import Columns, Row
from streamer.transport.archive_files import PARQUET, kind_of
from streamer.transport.archive_text import csv_rows


def table_rows(file: Path, columns: Sequence[str], required: Sequence[str]) -> Iterator[Row]:
    """Return the rows of a Parquet or CSV file, in order; see `parquet_columns` and `csv_rows`.

    Raises:
        ArchiveError: the file cannot be read or does not fit.
        EnvironmentFault: pyarrow is needed and not installed.
    """
    if kind_of(file) != PARQUET:
        return csv_rows(file, columns, required)
    return (row for part in parquet_columns(file, columns, required) for row in _rows(part))


def parquet_columns(file: Path, columns: Sequence[str], required: Sequence[str]) -> Iterator[Columns]:
    """Return the columns of a Parquet file, batch by batch.

    Raises:
        ArchiveError: the file cannot be read or does not fit.
        EnvironmentFault: pyarrow is needed and not installed.
    """
    try:
        from streamer.transport import archive_parquet  # noqa: PLC0415 (needs an extra)
    except ImportError as error:
        raise EnvironmentFault("Parquet files need pyarrow: run pip install 'fraud-streamer[train]'") from error
    return archive_parquet.parquet_columns(file, columns, required)


def _rows(columns: Columns) -> Iterator[Row]:
    for row in zip(*columns.values(), strict=True):
        yield {name: value for name, value in zip(columns, row, strict=True) if value is not None}
