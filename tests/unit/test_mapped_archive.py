"""Archives with foreign columns become records that the mapping decodes, without the truth."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from streamer.errors import ArchiveError, SettingsError, TransportError
from streamer.events.decode import decode
from streamer.events.event import EventBatch
from streamer.events.mapping import FieldMapping
from streamer.events.record import Record
from streamer.mapped_archive import mapped_archive, mapped_labels
from streamer.settings import EventSettings
from streamer.transport.base import Source
from streamer.transport.partitioner import partition_for
from tests.helpers.mappings import mapping_of

ROWS = 60


@pytest.fixture
def mapping(tmp_path: Path) -> FieldMapping:
    return mapping_of(
        tmp_path,
        user_id='{columns = ["User", "Card"]}',
        timestamp='{column = "time", zone = "UTC"}',
        latitude='"lat"',
        label='"Is Fraud?"',
    )


@pytest.fixture(params=["a.parquet", "a.csv", "a.jsonl"])
def archive(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / str(request.param)
    columns: dict[str, list[object]] = {
        "id": [f"t{row}" for row in range(ROWS)],
        "User": [row % 7 for row in range(ROWS)],
        "Card": [row % 2 for row in range(ROWS)],
        "amount": [row + 0.5 for row in range(ROWS)],
        "time": [f"2024-01-01 00:{row:02}:00" for row in range(ROWS)],
        "lat": [50.25 for _ in range(ROWS)],
        "Is Fraud?": ["Yes" if row % 10 == 3 else "No" for row in range(ROWS)],
        "note": ["x" for _ in range(ROWS)],
    }
    table = pa.table(columns)
    if path.suffix == ".parquet":
        parquet.write_table(table, path)
    elif path.suffix == ".csv":
        rows = [columns, *zip(*columns.values(), strict=True)]
        path.write_text("".join(",".join(map(str, row)) + "\n" for row in rows), encoding="utf-8")
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()), encoding="utf-8")
    return path


def all_records(source: Source) -> list[Record]:
    records: list[Record] = []
    while part := source.poll(timeout_s=0, max_records=25):
        records += part
    return records


def events(path: Path, mapping: FieldMapping) -> EventBatch:
    batch, rejected = decode(all_records(mapped_archive(path, mapping)), EventSettings(), mapping)
    assert not rejected
    return batch


def test_rows_of_any_format_become_payments(archive: Path, mapping: FieldMapping) -> None:
    batch = events(archive, mapping)
    assert batch.transaction_id == tuple(f"t{row}" for row in range(ROWS))
    assert batch.user_id[:3] == ("0-0", "1-1", "2-0")
    assert batch.amount.tolist() == [row + 0.5 for row in range(ROWS)]
    assert batch.timestamp.tolist() == [1_704_067_200_000 + 60_000 * row for row in range(ROWS)]
    assert batch.located.sum() == 0
    assert [record.key for record in batch.records[:2]] == [b"0-0", b"1-1"]


def test_users_are_spread_as_kafka_does(archive: Path, mapping: FieldMapping) -> None:
    records = all_records(mapped_archive(archive, mapping, partitions=3))
    assert {each.partition for each in records} == {0, 1, 2}
    assert all(each.partition == partition_for(each.key or b"", 3) for each in records)
    for partition in range(3):
        share = [each.offset for each in records if each.partition == partition]
        assert share == list(range(len(share)))


def test_labels_are_read_apart(archive: Path, mapping: FieldMapping) -> None:
    assert mapped_labels(archive, mapping) == {f"t{row}": row % 10 == 3 for row in range(ROWS)}


def test_no_table_row_carries_the_label_or_a_column_that_is_no_field(tmp_path: Path, mapping: FieldMapping) -> None:
    path = tmp_path / "b.csv"
    path.write_text("id,User,Card,amount,time,lat,Is Fraud?,note\n1,2,3,4,1700000000000,,Yes,x\n", encoding="utf-8")
    (record,) = all_records(mapped_archive(path, mapping))
    assert record.value == b'{"id":"1","User":"2","Card":"3","amount":"4","time":"1700000000000"}'


def test_malformed_lines_are_kept_for_the_dead_letters(tmp_path: Path, mapping: FieldMapping) -> None:
    lines = [b"{", b"[]", b'{"User": 1}', b'{"User": "unknown", "Card": 1}']
    path = tmp_path / "b.jsonl"
    path.write_bytes(b"\n".join(lines))
    records = all_records(mapped_archive(path, mapping))
    assert [(each.key, each.value) for each in records] == [(None, line) for line in lines]
    batch, rejected = decode(records, EventSettings(), mapping)
    assert (len(batch), len(rejected)) == (0, len(lines))


def test_faults_are_explained(tmp_path: Path, mapping: FieldMapping) -> None:
    path = tmp_path / "b.csv"
    path.write_text("id,User,amount,time,lat,Is Fraud?\n1,2,3,1700000000000,,maybe\n", encoding="utf-8")
    with pytest.raises(ArchiveError, match="no column 'Card'"):
        all_records(mapped_archive(path, mapping))
    path.write_text("id,User,Card,amount,time,lat,Is Fraud?\n1,2,3,4,1700000000000,,maybe\n", encoding="utf-8")
    with pytest.raises(ArchiveError, match=r"'1' .*'maybe' in column 'Is Fraud\?'"):
        mapped_labels(path, mapping)
    with pytest.raises(SettingsError, match="names no label"):
        mapped_labels(path, mapping_of(tmp_path))
    with pytest.raises(ArchiveError, match="there is no file"):
        mapped_archive(tmp_path / "absent.csv", mapping)
    with pytest.raises(ValueError, match="partitions is 0"):
        mapped_archive(path, mapping, partitions=0)


def test_a_closed_archive_says_so(archive: Path, mapping: FieldMapping) -> None:
    source = mapped_archive(archive, mapping)
    source.poll(timeout_s=0, max_records=1)
    source.close()
    source.close()
    with pytest.raises(TransportError, match="closed"):
        source.poll(timeout_s=0, max_records=1)
