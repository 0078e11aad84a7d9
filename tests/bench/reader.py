"""A subscriber of alerts as a process of its own: tells when each could be read by who reads committed ones only.

python -m tests.bench.reader BOOTSTRAP TOPIC
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import kafka

from streamer.alerts.contract import decode_alert

Readable = dict[tuple[int, int], float]
"""Milliseconds since the epoch, by partition and offset of the alerted transaction."""

_ROOT = Path(__file__).parents[2]
_READY = "reading"


@contextmanager
def reading(bootstrap: str, topic: str, file: Path) -> Iterator[None]:
    """Read a topic of one partition while the block runs; what was read is in `file` afterwards."""
    command = [sys.executable, "-m", "tests.bench.reader", bootstrap, topic]
    with file.open("wb") as output, subprocess.Popen(command, cwd=_ROOT, stdout=output) as process:
        try:
            while _READY not in file.read_text(encoding="utf-8"):
                if process.poll() is not None:
                    raise RuntimeError(f"the reader of {topic} ended with {process.returncode}")
                time.sleep(0.05)
            yield
        finally:
            process.kill()


def readable(file: Path) -> Readable:
    """Return what a reader wrote; a last line that was cut off does not count."""
    lines = file.read_text(encoding="utf-8").rpartition("\n")[0].splitlines()
    found: Readable = {}
    for partition, offset, at in (line.split() for line in lines if line != _READY):
        found[int(partition), int(offset)] = float(at)
    return found


def _read(bootstrap: str, topic: str) -> None:
    consumer = kafka.KafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed", fetch_max_wait_ms=20)
    place = kafka.TopicPartition(topic, 0)
    consumer.assign([place])
    consumer.seek_to_beginning()
    consumer.position(place)
    _tell(_READY)
    while True:
        records = consumer.poll(timeout_ms=1_000).get(place, [])
        at = time.time() * 1_000
        for record in records:
            origin = decode_alert(record.value).origin
            _tell(f"{origin.partition} {origin.offset} {at:.3f}")


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _read(sys.argv[1], sys.argv[2])
