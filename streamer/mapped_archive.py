"""Archives whose columns have foreign names, as a source of records, and the truth beside them.

A row becomes a record as a message of a foreign system would: an object with the foreign names,
of those columns only that the mapping makes fields of. Decoding applies the mapping, as to live
records.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec

from streamer.errors import ArchiveError, MalformedEvent, SettingsError
from streamer.events.mapping import Document, FieldMapping
from streamer.transport.archive import ArchiveSource
from streamer.transport.archive_files import JSON_LINES, archive_files, kind_of
from streamer.transport.archive_rows import table_rows
from streamer.transport.archive_text import json_lines

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, object]).decode
_TRUTH = dict.fromkeys(("true", "1", "1.0", "yes", "y"), True) | dict.fromkeys(("false", "0", "0.0", "no", "n"), False)


def mapped_archive(path: Path, mapping: FieldMapping, *, topic: str = "archive", partitions: int = 1) -> ArchiveSource:
    """Look for the files of an archive, like `ArchiveSource`.

    Args:
        path: a file, or a folder of files that are read by name.
        mapping: names the columns; all of them must exist in a table.
        topic: the topic the records appear to come from.
        partitions: over how many partitions users are spread, as Kafka would spread them.

    Raises:
        ArchiveError: there is no such archive.
        ValueError: there is no partition.
    """
    return ArchiveSource(path, topic=topic, partitions=partitions, messages=partial(_messages, mapping=mapping))


def mapped_labels(path: Path, mapping: FieldMapping) -> dict[str, bool]:
    """Return whether each transaction was fraud, by transaction id.

    Transactions without an id or a label are left out.

    Raises:
        ArchiveError: the archive cannot be read, lacks a column, or the label is neither yes nor no.
        SettingsError: the mapping names no label.
        EnvironmentFault: the package that reads it is not installed.
    """
    if mapping.label is None:
        raise SettingsError('the mapping names no label: add the column of the truth, e.g. label = "is_fraud"')
    found = {}
    columns = (*mapping.columns, mapping.label)
    for file in archive_files(path):
        for document in _documents(file, columns):
            name = _or_none(mapping.transaction_id, document)
            given = mapping.truth(document)
            if name is not None and given is not None:
                found[name] = _truth(given, name, mapping.label, file)
    return found


def _messages(file: Path, mapping: FieldMapping) -> Iterator[tuple[bytes | None, bytes]]:
    """Yield (key, value) of every row or line."""
    if kind_of(file) in JSON_LINES:
        for line in json_lines(file):
            yield _key(mapping, _document(line)), line
        return
    for row in table_rows(file, mapping.columns, mapping.columns):
        yield _key(mapping, row), _encode(row)


def _documents(file: Path, columns: tuple[str, ...]) -> Iterator[Document]:
    if kind_of(file) in JSON_LINES:
        return map(_document, json_lines(file))
    return table_rows(file, columns, columns)


def _document(line: bytes) -> Document:
    """Return a line's object; an empty one for a malformed line, which decoding will reject."""
    try:
        return _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def _key(mapping: FieldMapping, document: Document) -> bytes | None:
    user = _or_none(mapping.user_id, document)
    return None if user is None else user.encode("utf-8", "replace")


def _or_none(read: Callable[[Document], str | None], document: Document) -> str | None:
    try:
        return read(document)
    except MalformedEvent:
        return None


def _truth(given: object, transaction: str, column: str, file: Path) -> bool:
    truth = _TRUTH.get(str(given).strip().casefold())
    if truth is None:
        raise ArchiveError(
            f"transaction {transaction!r} of {str(file)!r} has {str(given)[:40]!r} in column {column!r}: "
            "write true or false, 1 or 0, yes or no"
        )
    return truth
