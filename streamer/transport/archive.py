"""Archives as a source of records: Parquet, CSV or JSON Lines through the `Source` protocol.

Replay and training thus decode archives with the very code that decodes live records.
"""

from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path

import msgspec

from streamer.errors import TransportError
from streamer.events.record import Record
from streamer.transport.archive_columns import REQUIRED_COLUMNS, TRANSACTION_COLUMNS, Columns
from streamer.transport.archive_files import JSON_LINES, PARQUET, archive_files, kind_of
from streamer.transport.archive_rows import parquet_columns
from streamer.transport.archive_text import csv_rows, json_lines
from streamer.transport.partitioner import partition_for

_KEYS_KEPT = 100_000

_ENCODER = msgspec.json.Encoder()


class _Owner(msgspec.Struct, gc=False):
    user_id: str | int


_OWNER_DECODER = msgspec.json.Decoder(_Owner)

Messages = Callable[[Path], Iterator[tuple[bytes | None, bytes]]]
"""Reads a file as (key, value) of each row or line."""


def canonical_messages(file: Path) -> Iterator[tuple[bytes | None, bytes]]:
    """Yield (key, value) of every row or line; the columns have the names of a transaction's fields."""
    if kind_of(file) in JSON_LINES:
        for line in json_lines(file):
            yield _owner(line), line
        return
    if kind_of(file) == PARQUET:
        for columns in parquet_columns(file, TRANSACTION_COLUMNS, REQUIRED_COLUMNS):
            yield from _messages(columns)
        return
    for row in csv_rows(file, TRANSACTION_COLUMNS, REQUIRED_COLUMNS):
        yield _key(row.get("user_id")), _ENCODER.encode(row)


class ArchiveSource:
    """A `Source` of the records of one topic: an empty poll means that everything was read."""

    def __init__(
        self, path: Path, *, topic: str = "archive", partitions: int = 1, messages: Messages = canonical_messages
    ) -> None:
        """Look for the files; they are opened one after the other while polling.

        Args:
            path: a file, or a folder of files that are read by name.
            topic: the topic the records appear to come from.
            partitions: over how many partitions users are spread, as Kafka would spread them.
            messages: reads each of the files.

        Raises:
            ArchiveError: there is no such archive.
            ValueError: there is no partition.
        """
        if partitions < 1:
            raise ValueError(f"partitions is {partitions}: a topic has at least one")
        self._files = archive_files(path)
        self._topic = topic
        self._partitions = partitions
        self._messages = messages
        self._records = self._read()
        self._closed = False

    def poll(self, *, timeout_s: float, max_records: int) -> list[Record]:  # noqa: ARG002 (files never keep one waiting)
        """See `Source.poll`.

        Raises:
            ArchiveError: a file is damaged or lacks a column.
            EnvironmentFault: the package that reads it is not installed.
        """
        if self._closed:
            raise TransportError("the archive is closed: open it anew")
        records = list(islice(self._records, max_records))
        # Sorting keeps the order of offsets within a partition.
        return sorted(records, key=lambda record: record.partition) if self._partitions > 1 else records

    def close(self) -> None:
        """Close the file at hand; safe to call twice."""
        self._closed = True
        self._records.close()

    def _read(self) -> Generator[Record, None, None]:
        offsets: defaultdict[int, int] = defaultdict(int)
        partition_of = lru_cache(_KEYS_KEPT)(partition_for)  # most users come again
        for file in self._files:
            for key, value in self._messages(file):
                partition = partition_of(key, self._partitions) if key is not None and self._partitions > 1 else 0
                yield Record(self._topic, partition, offsets[partition], key, value)
                offsets[partition] += 1


def _messages(columns: Columns) -> Iterator[tuple[bytes | None, bytes]]:
    # Structs without names that are None: made and written in half the time that dictionaries take.
    row = msgspec.defstruct("Row", [(name, object, None) for name in columns], omit_defaults=True, gc=False)
    values = map(_ENCODER.encode, map(row, *columns.values()))
    return zip(map(_key, columns["user_id"]), values, strict=True)


def _key(user: object) -> bytes | None:
    return None if user is None else str(user).encode()


def _owner(line: bytes) -> bytes | None:
    """Return the user id of a line; None where it cannot be told, as for malformed ones."""
    try:
        return _key(_OWNER_DECODER.decode(line).user_id)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
