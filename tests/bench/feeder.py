"""A producer as a process of its own: sends records at a steady rate, stamped with the moment of sending.

python -m tests.bench.feeder BOOTSTRAP TOPIC RATE FILE
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from streamer.events.record import Message, Record
from streamer.settings import KafkaSettings
from streamer.transport.kafka import KafkaProducer
from tests.helpers.worker import PATIENCE_S

_AT_ONCE_S = 0.002
"""What is due within so short a time is sent together: shorter sleeps are too inexact."""

_ROOT = Path(__file__).parents[2]


@contextmanager
def feeding(records: Sequence[Record], bootstrap: str, topic: str, rate: float, file: Path) -> Iterator[None]:
    """Send records while the block runs; `file` is written to hand them over."""
    file.write_bytes(msgspec.msgpack.encode([(record.key, record.value) for record in records]))
    command = [sys.executable, "-m", "tests.bench.feeder", bootstrap, topic, str(rate), str(file)]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


def _feed(bootstrap: str, topic: str, rate: float, file: Path) -> None:
    pairs = msgspec.msgpack.decode(file.read_bytes(), type=list[tuple[bytes, bytes]])
    producer = KafkaProducer(KafkaSettings(bootstrap_servers=bootstrap))
    begin, sent = time.monotonic(), 0
    while sent < len(pairs):
        due = min(len(pairs), int((time.monotonic() - begin) * rate))
        for key, value in pairs[sent:due]:
            producer.send(Message(topic, key, value))
        sent = max(sent, due)
        time.sleep(_AT_ONCE_S)
    producer.flush(timeout_s=PATIENCE_S)
    producer.close()


if __name__ == "__main__":
    _feed(sys.argv[1], sys.argv[2], float(sys.argv[3]), Path(sys.argv[4]))
