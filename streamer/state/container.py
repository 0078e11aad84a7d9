"""A ZIP file in one strict form, written and read from front to end in one pass.

The members are stored, not compressed; each is one NumPy array in the .npy format, so that
`numpy.load` and any unzip tool open the file. It differs from `zipfile` in what a damaged file
can do: whoever reads knows what comes next, so every byte is either compared with the one that
must stand there or covered by the CRC-32 of its member, and nothing that was read is believed
before that. Streams need not seek, which stores of objects cannot do for a file being written.

Format: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7 to 4.3.16, always in the form for large files.
"""

import struct
from collections.abc import Iterable
from typing import Protocol
from zlib import crc32

import numpy as np

_VERSION = 45
_LENGTHS_FOLLOW = 0x0808
"""General purpose flags: CRC and sizes stand behind the data; names are UTF-8."""
_DATE = 33
"""1980-01-01, the first day the format knows: equal content makes equal files."""
_UNSET_2, _UNSET_4 = 0xFFFF, 0xFFFFFFFF
_PIECE = 1 << 20

_LOCAL = struct.Struct("<4s5H3I2H")
_LARGE_LOCAL = struct.Struct("<2H2Q")
_DESCRIPTOR = struct.Struct("<4sI2Q")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_LARGE_CENTRAL = struct.Struct("<2H3Q")
_LARGE_END = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_END = struct.Struct("<4s4H2IH")


class Damage(ValueError):
    """A byte is not the one that must stand there, or bytes are missing."""


class Writable(Protocol):
    """Where bytes go in order."""

    def write(self, data: bytes | memoryview, /) -> object:
        """Take all of the bytes."""
        ...


class Readable(Protocol):
    """Where bytes come from in order."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill a part of the buffer from its beginning and return how many bytes; 0 is the end."""
        ...


class ContainerWriter:
    """Writes members one after the other."""

    def __init__(self, stream: Writable) -> None:
        """Write from the stream's position on, which counts as the beginning."""
        self._stream = stream
        self._members = _Directory()

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._members.offset

    def add(self, name: str, pieces: Iterable[bytes | memoryview]) -> None:
        """Write a member, piece by piece as they come."""
        self._stream.write(self._members.begin(name))
        checksum = size = 0
        for piece in pieces:
            self._stream.write(piece)
            checksum = crc32(piece, checksum)
            size += len(piece)
        self._stream.write(self._members.end(checksum, size))

    def finish(self) -> None:
        """Write the directory; without it the file is no ZIP file."""
        self._stream.write(self._members.directory())


class ContainerReader:
    """Reads what `ContainerWriter` wrote: the caller names every member and knows its size."""

    def __init__(self, stream: Readable) -> None:
        """Read from the stream's position on."""
        self._stream = stream
        self._members = _Directory()

    def read(self, name: str, lead: bytes, targets: Iterable[memoryview]) -> None:
        """Read a member into buffers that are together exactly as long as it is.

        What is in the buffers may be used after this returned.

        Args:
            name: of the member.
            lead: what it must begin with.
            targets: buffers for the rest.

        Raises:
            Damage: the member is another, shorter, longer or changed.
        """
        self._expect(self._members.begin(name), name)
        self._expect(lead, name)
        checksum, size = crc32(lead), len(lead)
        for target in targets:
            for start in range(0, len(target), _PIECE):
                piece = target[start : start + _PIECE]
                self._fill(piece, name)
                checksum = crc32(piece, checksum)
            size += len(target)
        self._expect(self._members.end(checksum, size), name)

    def finish(self) -> None:
        """Read the directory up to the end of the stream.

        Raises:
            Damage: it is another, or something follows.
        """
        self._expect(self._members.directory(), "directory")
        if self._stream.readinto(memoryview(bytearray(1))):
            raise Damage("something follows its end")

    def _expect(self, expected: bytes, what: str) -> None:
        found = bytearray(len(expected))
        self._fill(memoryview(found), what)
        if found != expected:
            raise Damage(f"its part {what!r} is damaged")

    def _fill(self, buffer: memoryview, what: str) -> None:
        while len(buffer):
            count = self._stream.readinto(buffer)
            if not count:
                raise Damage(f"it ends within its part {what!r}")
            buffer = buffer[count:]


class _Directory:
    """Every byte of the file that is not a member's content."""

    def __init__(self) -> None:
        self.offset = 0
        self._begun = (b"", 0)
        self._entries: list[bytes] = []

    def begin(self, name: str) -> bytes:
        encoded = name.encode()
        self._begun = (encoded, self.offset)
        head = _LOCAL.pack(
            b"PK\3\4", _VERSION, _LENGTHS_FOLLOW, 0, 0, _DATE, 0, _UNSET_4, _UNSET_4, len(encoded), _LARGE_LOCAL.size
        )
        return self._passed(head + encoded + _LARGE_LOCAL.pack(1, 16, 0, 0))

    def end(self, checksum: int, size: int) -> bytes:
        name, offset = self._begun
        entry = _CENTRAL.pack(
            b"PK\1\2", _VERSION, _VERSION, _LENGTHS_FOLLOW, 0, 0, _DATE, checksum, _UNSET_4, _UNSET_4,
            len(name), _LARGE_CENTRAL.size, 0, 0, 0, 0, _UNSET_4,
        )  # fmt: skip
        self._entries.append(entry + name + _LARGE_CENTRAL.pack(1, 24, size, size, offset))
        self.offset += size
        return self._passed(_DESCRIPTOR.pack(b"PK\7\10", checksum, size, size))

    def directory(self) -> bytes:
        entries, count = b"".join(self._entries), len(self._entries)
        end = self.offset + len(entries)
        large = _LARGE_END.pack(
            b"PK\6\6", _LARGE_END.size - 12, _VERSION, _VERSION, 0, 0, count, count, len(entries), self.offset
        )
        locator = _LOCATOR.pack(b"PK\6\7", 0, end, 1)
        last = _END.pack(b"PK\5\6", 0, 0, _UNSET_2, _UNSET_2, _UNSET_4, _UNSET_4, 0)
        return self._passed(entries + large + locator + last)

    def _passed(self, written: bytes) -> bytes:
        self.offset += len(written)
        return written


def npy_header(dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> bytes:
    """Return what stands before the data of an array in a .npy file of version 1.0.

    NumPy's own function pads as its version likes; here equal arrays have equal headers.
    """
    description = dtype.descr if dtype.names else dtype.str
    text = repr({"descr": description, "fortran_order": False, "shape": shape})
    length = -(-(len(text) + 11) // 64) * 64 - 10
    return b"\x93NUMPY\1\0" + struct.pack("<H", length) + text.ljust(length - 1).encode("latin-1") + b"\n"
