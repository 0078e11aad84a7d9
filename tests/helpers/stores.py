"""Stores of snapshots, for tests."""

from collections.abc import Callable

from streamer.events.record import TopicPartition
from streamer.state.container import Writable
from streamer.state.store import SnapshotStore

SOURCE = TopicPartition("payments", 3)


def content(text: bytes) -> Callable[[Writable], int]:
    def write(stream: Writable) -> int:
        stream.write(text)
        return len(text)

    return write


def read(store: SnapshotStore, offset: int) -> bytes:
    buffer = bytearray(100)
    with store.open(SOURCE, offset) as stream:
        return bytes(buffer[: stream.readinto(memoryview(buffer))])
