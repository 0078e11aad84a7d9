"""A partition's state as a file, and back.

    header.json     what this is and how large its parts are; 4 KiB, padded with blanks
    users.npy …     texts: one MessagePack array as bytes; by row
    users_order.npy the rows, the least recently used first; likewise of merchants and ids
    extra.npy       bytes of whoever holds more of the partition than state
    shared.npy, merchant_rows.npy, user_rows.npy, rings.npy

The container (see `container`) tells every damage. Whatever is damaged or does not fit is refused as
a whole: a state that is not the log's would judge wrongly and never say so. The check sums are
against accidents; who may write the files may also forge them, as with a model bundle.
"""

import hashlib
import inspect
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamer import __version__
from streamer.errors import SnapshotError, UnusableSnapshot
from streamer.events.record import TopicPartition
from streamer.state import kernel, layout
from streamer.state.container import ContainerReader, ContainerWriter, Readable, Writable, npy_header
from streamer.state.features import TABLE, WINDOW
from streamer.state.image import Head, Rows
from streamer.state.partition import PartitionState
from streamer.state.slots import Names
from streamer.state.types import Structured

FORMAT = 3
"""Grows whenever files of before cannot be read as they are, or names, keys or ids are kept otherwise.

Formulas and the layout of rows need no growth: their digest tells."""

_HEADER_BYTES = 4096
_PIECE = 1 << 20
_BYTE, _NUMBER = np.dtype(np.uint8), np.dtype(np.float32)


class _Newer(ValueError):
    """A newer program wrote it."""


class _Format(msgspec.Struct, frozen=True):
    format: int


class _Header(_Format, frozen=True):
    """What a snapshot says of itself; counts are of names, sizes are bytes."""

    program: str
    created_at: int
    topic: str
    partition: int
    log_id: str | None
    next_offset: int
    formulas: str
    features: tuple[str, ...]
    users: int
    users_size: int
    merchants: int
    merchants_size: int
    ids: int
    ids_size: int
    extra_size: int


@dataclass(frozen=True, slots=True)
class Label:
    """Which moment of which log a snapshot holds.

    Attributes:
        source: the partition.
        log_id: identity of its log, which tells topics of one name apart; None where unknown.
        next_offset: the offset of the record that continues it.
        created_at: milliseconds since the epoch; nothing depends on it.
    """

    source: TopicPartition
    log_id: str | None
    next_offset: int
    created_at: int


@dataclass(frozen=True, slots=True)
class Saved:
    """What a snapshot held beside state.

    Attributes:
        label: what it was.
        program: version of the program that wrote it.
        extra: bytes as they were given to `write`.
    """

    label: Label
    program: str
    extra: bytes


@cache
def formulas() -> str:
    """Hash everything that gives the numbers in a row their meaning."""
    return hashlib.sha256((kernel.digest() + inspect.getsource(kernel)).encode()).hexdigest()


def write(stream: Writable, label: Label, head: Head, slices: Iterable[Rows], extra: bytes) -> int:
    """Write a snapshot as the slices of its image come.

    Args:
        stream: written from front to end; need not seek.
        label: which moment of which partition it is.
        head: of the image.
        slices: all rows, as `Image.slices` gives them.
        extra: any bytes that belong to the moment.

    Returns:
        Bytes written.
    """
    users, merchants, ids = map(msgspec.msgpack.encode, (head.users.names, head.merchants.names, head.ids))
    header = _Header(
        format=FORMAT,
        program=__version__,
        created_at=label.created_at,
        topic=label.source.topic,
        partition=label.source.partition,
        log_id=label.log_id,
        next_offset=label.next_offset,
        formulas=formulas(),
        features=TABLE.names,
        users=len(head.users.names),
        users_size=len(users),
        merchants=len(head.merchants.names),
        merchants_size=len(merchants),
        ids=sum(map(len, head.ids)),
        ids_size=len(ids),
        extra_size=len(extra),
    )
    writer = ContainerWriter(stream)
    writer.add("header.json", [msgspec.json.encode(header).ljust(_HEADER_BYTES)])
    writer.add("users.npy", _text(users))
    writer.add("users_order.npy", _whole(head.users.order))
    writer.add("merchants.npy", _text(merchants))
    writer.add("merchants_order.npy", _whole(head.merchants.order))
    writer.add("ids.npy", _text(ids))
    writer.add("extra.npy", _text(extra))
    writer.add("shared.npy", _whole(head.shared))
    writer.add("merchant_rows.npy", _whole(head.merchant_rows))
    rows = iter(slices)
    writer.add("user_rows.npy", _sliced(layout.USER, (header.users,), rows))
    writer.add("rings.npy", _sliced(_NUMBER, (header.users, WINDOW, TABLE.steps), rows))
    writer.finish()
    return writer.size


def read(stream: Readable, place: str, source: TopicPartition, state: PartitionState, *, log_id: str | None) -> Saved:
    """Read a snapshot into an empty state, which is of no use if this raises.

    Args:
        stream: read from front to end.
        place: where the snapshot lies, for messages.
        source: the partition it must be of.
        state: takes the content.
        log_id: identity of the log it must be of; None, here or there, fits any.

    Raises:
        UnusableSnapshot: it is damaged, of another partition, log or feature table, of an older program,
            or too large.
        SnapshotError: a newer program wrote it.
    """
    with _refused(place):
        return _read(ContainerReader(stream), source, log_id, state)


def read_log_id(stream: Readable, place: str) -> str | None:
    """Read which log a snapshot is of, and no more of it; None where that was unknown.

    Raises:
        UnusableSnapshot: its beginning is damaged, or an older program wrote it.
        SnapshotError: a newer program wrote it.
    """
    with _refused(place):
        return _read_header(ContainerReader(stream)).log_id


@contextmanager
def _refused(place: str) -> Iterator[None]:
    """Turn what is wrong with a snapshot into the errors of `read`."""
    try:
        yield
    except _Newer as error:
        raise SnapshotError(
            f"snapshot {place} cannot be used: {error}. An older one or the records themselves take its "
            "place; it stays for the workers that are upgraded already. If none are, it may be deleted."
        ) from error
    except ValueError as error:  # Damage, msgspec's errors and those of the state
        raise UnusableSnapshot(
            f"snapshot {place} cannot be used: {error}. An older one or the records themselves take its "
            "place, and a new one is written in time; this one may be deleted."
        ) from error


def _read(reader: ContainerReader, source: TopicPartition, log_id: str | None, state: PartitionState) -> Saved:
    header = _read_header(reader)
    _check(header, source, log_id, state)
    users = _read_names(reader, "users", header.users, header.users_size)
    merchants = _read_names(reader, "merchants", header.merchants, header.merchants_size)
    ids = _read_ids(reader, header.ids, header.ids_size)
    extra = _read_bytes(reader, "extra", header.extra_size)
    shared: Structured = np.zeros(1, layout.SHARED)
    _read_array(reader, "shared", shared)
    merchant_rows: Structured = np.zeros(header.merchants + 1, layout.MERCHANT)
    _read_array(reader, "merchant_rows", merchant_rows)
    user_rows, rings = state.restore(Head(users, merchants, ids, shared, merchant_rows))
    _read_array(reader, "user_rows", user_rows)
    _read_array(reader, "rings", rings)
    reader.finish()
    label = Label(source, header.log_id, header.next_offset, header.created_at)
    return Saved(label, header.program, extra)


def _read_header(reader: ContainerReader) -> _Header:
    text = bytearray(_HEADER_BYTES)
    reader.read("header.json", b"", [memoryview(text)])
    found = msgspec.json.decode(text, type=_Format).format
    if found != FORMAT:
        said = f"wrote it: its format is {found}, this program reads {FORMAT}"
        raise _Newer(f"a newer program {said}") if found > FORMAT else ValueError(f"an older program {said}")
    return msgspec.json.decode(text, type=_Header)


def _check(header: _Header, source: TopicPartition, log_id: str | None, state: PartitionState) -> None:
    if (header.topic, header.partition) != source:
        raise ValueError(
            f"it is of partition {header.partition} of {header.topic!r}, not {source.partition} of {source.topic!r}"
        )
    # Before all that a newer program may still make use of: the records it is of are gone for everybody.
    if are_different(header.log_id, log_id):
        raise ValueError(
            f"topic {source.topic!r} was deleted and made anew since: it is of log {header.log_id}, "
            f"and the log now is {log_id}"
        )
    unlike = _Newer if _release(header.program) > _release(__version__) else ValueError
    if header.features != TABLE.names:
        raise unlike("its feature table is another than this program's")
    if header.formulas != formulas():
        raise unlike(f"program {header.program} wrote it with other formulas than this program {__version__}")
    if header.next_offset < 0:
        raise ValueError(f"its next offset is {header.next_offset}")
    limits = state.settings
    for setting, held, most, given in (
        ("users", header.users, limits.users, limits.users),
        ("merchants", header.merchants, limits.merchants, limits.merchants),
        ("transaction_ids", header.ids, state.most_ids, limits.transaction_ids),
    ):
        if not 0 <= held <= most:
            raise ValueError(f"it holds {held:,} {setting.replace('_', ' ')}, and state.{setting} is {given:,}")


def are_different(one: str | None, other: str | None) -> bool:
    """Tell whether two identities are known to be those of different logs."""
    return one is not None and other is not None and one != other


def _release(version: str) -> tuple[int, ...]:
    """Return the numbers a version begins with, which order programs by age."""
    found = re.match(r"[0-9]{1,9}(\.[0-9]{1,9})*", version)
    return tuple(int(number) for number in found[0].split(".")) if found else ()


def _read_names(reader: ContainerReader, name: str, count: int, size: int) -> Names:
    names = msgspec.msgpack.decode(_read_bytes(reader, name, size), type=list[str])
    if len(names) != count:
        raise ValueError(f"its part {name!r} holds {len(names)} names, not {count}")
    order = np.zeros(count, np.int32)
    _read_array(reader, f"{name}_order", order)
    return Names(names, order)


def _read_ids(reader: ContainerReader, count: int, size: int) -> list[list[str]]:
    generations = msgspec.msgpack.decode(_read_bytes(reader, "ids", size), type=list[list[str]])
    found = sum(map(len, generations))
    if found != count:
        raise ValueError(f"its part 'ids' holds {found} names, not {count}")
    return generations


def _read_bytes(reader: ContainerReader, name: str, size: int) -> bytes:
    """Read in pieces, so that a size that is a lie ends with the file instead of taking memory."""
    pieces: list[bytearray] = []

    def buffers() -> Iterator[memoryview]:
        for start in range(0, size, _PIECE):
            pieces.append(bytearray(min(_PIECE, size - start)))
            yield memoryview(pieces[-1])

    reader.read(f"{name}.npy", npy_header(_BYTE, (size,)), buffers())
    return b"".join(pieces)


def _read_array(reader: ContainerReader, name: str, array: NDArray[np.generic]) -> None:
    reader.read(f"{name}.npy", npy_header(array.dtype, array.shape), [_bytes_of(array)])


def _text(text: bytes) -> list[bytes | memoryview]:
    return [npy_header(_BYTE, (len(text),)), text]


def _whole(array: NDArray[np.generic]) -> list[bytes | memoryview]:
    return [npy_header(array.dtype, array.shape), _bytes_of(array)]


def _sliced(
    dtype: np.dtype[np.generic], shape: tuple[int, ...], slices: Iterator[Rows]
) -> Iterator[bytes | memoryview]:
    yield npy_header(dtype, shape)
    rows = shape[0]
    while rows:
        piece = next(slices)
        rows -= len(piece)
        yield _bytes_of(piece)


def _bytes_of(array: NDArray[np.generic]) -> memoryview:
    return array.view(np.uint8).reshape(-1).data
