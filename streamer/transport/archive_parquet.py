"""A Parquet file, read in bounded batches. Needs the extra `train`."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import compute, parquet, types

from streamer.errors import ArchiveError
from streamer.transport.archive_columns import Columns, require_columns

_BATCH_ROWS = 10_000


def parquet_columns(file: Path, columns: Sequence[str], required: Sequence[str]) -> Iterator[Columns]:
    """Yield the columns of one batch of rows after the other; nulls are None, and so are NaNs of columns not required.

    Times become whole milliseconds since the epoch, finer ones rounded down; times without a
    zone count as UTC. Decimal numbers become texts, and so do numbers that are not finite,
    because JSON has none.

    Args:
        file: what to read.
        columns: names of the columns wanted, where they exist.
        required: names of those that must exist.

    Raises:
        ArchiveError: the file cannot be read, lacks a column, or a value has no counterpart.
    """
    try:
        with parquet.ParquetFile(file) as source:
            found = source.schema_arrow.names
            require_columns(file, found, required)
            wanted = [name for name in columns if name in found]
            for batch in source.iter_batches(batch_size=_BATCH_ROWS, columns=wanted):
                yield {name: _values(batch.column(name), required=name in required) for name in wanted}
    except (OSError, pa.ArrowException) as error:
        raise ArchiveError(f"Parquet file {str(file)!r} cannot be read: {error}") from error


def _values(column: pa.Array, *, required: bool) -> list[object]:
    """Return a column as JSON knows it; None where there is no value."""
    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if types.is_timestamp(column.type):
        # Arrow keeps instants in UTC; without the zone, rounding needs no zone database.
        instants = column.cast(pa.timestamp(column.type.unit))
        column = compute.floor_temporal(instants, unit="millisecond").cast(pa.timestamp("ms")).cast(pa.int64())
    elif types.is_date(column.type):
        column = column.cast(pa.timestamp("ms")).cast(pa.int64())
    elif types.is_decimal(column.type) or types.is_binary(column.type) or types.is_large_binary(column.type):
        column = column.cast(pa.string())
    elif types.is_floating(column.type):
        return [_number(value, required=required) for value in column.to_pylist()]
    return list(column.to_pylist())


def _number(value: float | None, *, required: bool) -> float | str | None:
    if value is None or math.isfinite(value):
        return value
    # Data frames write NaN for "no value"; in a required column it must be seen and rejected.
    return str(value) if required or math.isinf(value) else None
