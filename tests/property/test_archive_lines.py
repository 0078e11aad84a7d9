import csv
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.events.record import Record
from streamer.transport.archive import ArchiveSource

LINES = st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line and b"\r" not in line), max_size=20)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), min_size=1, max_size=12)


def read(name: str, content: bytes, *, partitions: int, max_records: int) -> list[Record]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        consumer = ArchiveSource(path, partitions=partitions)
        records: list[Record] = []
        while part := consumer.poll(timeout_s=0, max_records=max_records):
            records += part
        consumer.close()
        return records


@settings(deadline=None)
@given(LINES, st.integers(1, 8))
def test_any_line_arrives_as_it_is(lines: list[bytes], max_records: int) -> None:
    content = b"".join(line + b"\n" for line in lines)
    records = read("a.jsonl", content, partitions=1, max_records=max_records)
    assert [record.value for record in records] == lines
    assert [record.offset for record in records] == list(range(len(lines)))


@settings(deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS), max_size=20), st.integers(1, 5), st.integers(1, 8))
def test_every_csv_row_arrives_once_whatever_the_step(
    rows: list[tuple[str, str, str, str]], partitions: int, max_records: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.csv")
        with path.open("w", encoding="utf-8", newline="") as target:
            csv.writer(target).writerows([("transaction_id", "user_id", "amount", "timestamp"), *rows])
        content = path.read_bytes()
    in_steps = read("a.csv", content, partitions=partitions, max_records=max_records)
    at_once = read("a.csv", content, partitions=partitions, max_records=1_000)
    assert sorted(in_steps, key=lambda each: (each.partition, each.offset)) == at_once
    assert sorted((record.key or b"").decode() for record in at_once) == sorted(user for _, user, _, _ in rows)
