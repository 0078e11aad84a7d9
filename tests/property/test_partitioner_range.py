from hypothesis import given
from hypothesis import strategies as st

from streamer.transport.partitioner import murmur2, partition_for


@given(st.binary(max_size=64), st.integers(1, 1_000))
def test_the_partition_exists(key: bytes, partitions: int) -> None:
    assert 0 <= partition_for(key, partitions) < partitions


@given(st.binary(max_size=16), st.binary(min_size=1, max_size=4))
def test_every_byte_counts(start: bytes, end: bytes) -> None:
    changed = end[:-1] + bytes([end[-1] ^ 1])
    assert murmur2(start + end) != murmur2(start + changed)
