import pytest

from streamer.transport.partitioner import murmur2, partition_for

# The vectors of Apache Kafka's own UtilsTest.testMurmur2, where they are signed.
KAFKA_VECTORS = {
    b"21": -973_932_308,
    b"foobar": -790_332_482,
    b"a-little-bit-long-string": -985_981_536,
    b"a-little-bit-longer-string": -1_486_304_829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58_897_971,
    b"abc": 479_470_107,
}


@pytest.mark.parametrize(("key", "signed"), KAFKA_VECTORS.items())
def test_murmur2_agrees_with_kafka(key: bytes, signed: int) -> None:
    assert murmur2(key) == signed % 2**32


@pytest.mark.parametrize(("key", "signed"), KAFKA_VECTORS.items())
def test_the_sign_bit_is_dropped_before_the_partition_is_taken(key: bytes, signed: int) -> None:
    assert partition_for(key, 7) == (signed & 0x7FFFFFFF) % 7


def test_a_topic_without_partitions_is_refused() -> None:
    with pytest.raises(ValueError, match="partitions is 0"):
        partition_for(b"u1", 0)
