"""A damaged snapshot is refused, or gives exactly the state that was stored; nothing else ever happens."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.errors import SnapshotError
from tests.helpers.snapshots import bits, empty_state, read
from tests.property.test_snapshot_image import EVENTS
from tests.property.test_state import batch_of


def stored() -> bytes:
    state = empty_state()
    state.advance(batch_of(EVENTS))
    return bits(state)


SNAPSHOT = stored()


def refused(data: bytes) -> None:
    with pytest.raises(SnapshotError, match=r"^snapshot here cannot be used: .*may be deleted\.$"):
        read(data)


def test_the_undamaged_one_is_read() -> None:
    assert bits(read(SNAPSHOT)[0]) == SNAPSHOT


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(SNAPSHOT) - 1), st.integers(1, 255))
def test_a_changed_byte(position: int, change: int) -> None:
    data = bytearray(SNAPSHOT)
    data[position] ^= change
    refused(bytes(data))


@pytest.mark.parametrize("change", [0x01, 0x80, 0xFF])
def test_a_changed_byte_anywhere_but_in_the_content(change: int) -> None:
    """Names, sizes, check sums and directory: few bytes, which chance would seldom meet."""
    members = [position for position in range(len(SNAPSHOT)) if SNAPSHOT.startswith((b"PK\3\4", b"PK\7\10"), position)]
    for start in [*members, SNAPSHOT.index(b"PK\1\2")]:
        for position in range(start, min(start + 60, len(SNAPSHOT))):
            data = bytearray(SNAPSHOT)
            data[position] ^= change
            refused(bytes(data))


@pytest.mark.parametrize("change", [0x01, 0xFF])
def test_a_changed_byte_in_the_directory(change: int) -> None:
    for position in range(SNAPSHOT.index(b"PK\1\2"), len(SNAPSHOT)):
        data = bytearray(SNAPSHOT)
        data[position] ^= change
        refused(bytes(data))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(SNAPSHOT) - 1))
def test_a_missing_end(length: int) -> None:
    refused(SNAPSHOT[:length])


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(SNAPSHOT)), st.binary(min_size=1, max_size=80))
def test_bytes_put_between(position: int, added: bytes) -> None:
    data = SNAPSHOT[:position] + added + SNAPSHOT[position:]
    assert data != SNAPSHOT
    refused(data)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(SNAPSHOT) - 1), st.integers(1, 2_000))
def test_bytes_left_out(position: int, count: int) -> None:
    refused(SNAPSHOT[:position] + SNAPSHOT[position + count :])


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(SNAPSHOT) - 1), st.integers(1, 4_096))
def test_a_block_that_the_disk_gave_back_as_zeros(position: int, count: int) -> None:
    data = SNAPSHOT[:position] + bytes(len(SNAPSHOT[position : position + count])) + SNAPSHOT[position + count :]
    if data == SNAPSHOT:  # it was zeros
        assert bits(read(data)[0]) == SNAPSHOT
    else:
        refused(data)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=6_000))
def test_any_other_file(data: bytes) -> None:
    refused(data)
