"""Simulated events to a Parquet file. Needs the extra `train`."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from streamer.errors import ArchiveError
from streamer.simulate.event import SimulatedEvent
from streamer.simulate.labelled import COLUMNS, values_of

_GROUP_ROWS = 50_000
_TYPES = {
    "amount": pa.float64(),
    "timestamp": pa.int64(),
    "latitude": pa.float64(),
    "longitude": pa.float64(),
    "is_fraud": pa.bool_(),
}
_SCHEMA = pa.schema([(name, _TYPES.get(name, pa.string())) for name in COLUMNS])


def write_parquet(events: Iterable[SimulatedEvent], path: Path) -> None:
    """Write one row an event, in row groups of 50,000; `timestamp` is milliseconds since the epoch.

    Raises:
        ArchiveError: the file cannot be written.
    """
    remaining = iter(events)
    try:
        with parquet.ParquetWriter(path, _SCHEMA) as writer:
            while rows := [values_of(event) for event in islice(remaining, _GROUP_ROWS)]:
                columns = [
                    pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), _SCHEMA, strict=True)
                ]
                writer.write_table(pa.Table.from_arrays(columns, schema=_SCHEMA))
    except pa.ArrowException as error:
        raise ArchiveError(f"Parquet file {str(path)!r} cannot be written: {error}") from error
