"""Kafka's default partitioner: which partition a key goes to.

The memory transport and the archive reader place records exactly as a broker's producer would.
"""

_SEED = 0x9747B28C
_MIX = 0x5BD1E995
_MIX_SHIFT = 24
_UINT32 = 0xFFFFFFFF
_INT31 = 0x7FFFFFFF


def murmur2(data: bytes) -> int:
    """Return the 32-bit MurmurHash2 (Austin Appleby) with Kafka's seed, as an unsigned number."""
    whole = len(data) & ~3
    value = _SEED ^ len(data)
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little") * _MIX & _UINT32
        word ^= word >> _MIX_SHIFT
        value = (value * _MIX & _UINT32) ^ (word * _MIX & _UINT32)
    if whole < len(data):
        value = (value ^ int.from_bytes(data[whole:], "little")) * _MIX & _UINT32
    value ^= value >> 13
    value = value * _MIX & _UINT32
    return value ^ value >> 15


def partition_for(key: bytes, partitions: int) -> int:
    """Return the partition, from 0 to `partitions` - 1, that Kafka's clients choose for a key.

    Raises:
        ValueError: there is no partition to choose.
    """
    if partitions < 1:
        raise ValueError(f"partitions is {partitions}: a topic has at least one")
    return (murmur2(key) & _INT31) % partitions
