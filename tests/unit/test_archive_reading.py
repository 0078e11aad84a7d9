import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from streamer.errors import ArchiveError, TransportError
from streamer.events.record import Record
from streamer.transport.archive import ArchiveSource
from streamer.transport.base import Source
from streamer.transport.partitioner import partition_for

Columns = dict[str, object]
REQUIRED: Columns = {"transaction_id": ["t1"], "user_id": ["u1"], "amount": [1.5], "timestamp": [1_700_000_000_000]}


def written(path: Path, columns: Columns) -> Path:
    parquet.write_table(pa.table(columns), path)
    return path


def all_records(path: Path, *, partitions: int = 1, max_records: int = 100) -> list[Record]:
    consumer = ArchiveSource(path, topic="history", partitions=partitions)
    records: list[Record] = []
    while part := consumer.poll(timeout_s=0, max_records=max_records):
        assert len(part) <= max_records
        records += part
    return records


def documents(path: Path) -> list[dict[str, object]]:
    return [json.loads(record.value or b"") for record in all_records(path)]


def test_a_row_becomes_a_record_keyed_by_user(tmp_path: Path) -> None:
    (record,) = all_records(written(tmp_path / "a.parquet", REQUIRED))
    value = b'{"transaction_id":"t1","user_id":"u1","amount":1.5,"timestamp":1700000000000}'
    assert record == Record("history", 0, 0, b"u1", value, (), -1)


def test_labels_and_other_columns_never_enter_a_record(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", REQUIRED | {"is_fraud": [True], "note": ["x"], "country": ["DE"]})
    (document,) = documents(path)
    assert set(document) == {*REQUIRED, "country"}


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([1_700_000_000], pa.timestamp("s")), 1_700_000_000_000),
        (pa.array([1_700_000_000_123], pa.timestamp("ms", "UTC")), 1_700_000_000_123),
        (pa.array([1_700_000_000_123_999], pa.timestamp("us", "America/New_York")), 1_700_000_000_123),
        (pa.array([1_700_000_000_123_999_999], pa.timestamp("ns")), 1_700_000_000_123),
        (pa.array([-1], pa.timestamp("us")), -1),
        (pa.array([dt.date(2023, 11, 14)]), 1_699_920_000_000),
        (pa.array([1_700_000_000_123]), 1_700_000_000_123),
        (pa.array(["2023-11-14T22:13:20Z"]), "2023-11-14T22:13:20Z"),
    ],
)
def test_times_become_whole_milliseconds(tmp_path: Path, column: pa.Array, expected: int | str) -> None:
    (document,) = documents(written(tmp_path / "a.parquet", REQUIRED | {"timestamp": column}))
    assert document["timestamp"] == expected


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([Decimal("12.30")]), "12.30"),
        (pa.array([2**62]), 2**62),
        (pa.array([float("nan")]), "nan"),
        (pa.array([float("inf")]), "inf"),
    ],
)
def test_amounts_are_exact(tmp_path: Path, column: pa.Array, expected: float | str) -> None:
    (document,) = documents(written(tmp_path / "a.parquet", REQUIRED | {"amount": column}))
    assert document["amount"] == expected


@pytest.mark.parametrize(
    "column", [pa.array([None], pa.float64()), pa.array([float("nan")]), pa.nulls(1)], ids=["null", "nan", "nulls"]
)
def test_what_is_not_there_is_left_out(tmp_path: Path, column: pa.Array) -> None:
    (document,) = documents(written(tmp_path / "a.parquet", REQUIRED | {"latitude": column}))
    assert "latitude" not in document


@pytest.mark.parametrize("column", [pa.array(["u1"]).dictionary_encode(), pa.array([b"u1"])], ids=["coded", "binary"])
def test_texts_may_be_stored_in_any_way(tmp_path: Path, column: pa.Array) -> None:
    (record,) = all_records(written(tmp_path / "a.parquet", REQUIRED | {"user_id": column}))
    assert record.key == b"u1"
    assert json.loads(record.value or b"")["user_id"] == "u1"


def test_a_row_without_a_user_is_kept_for_the_dead_letters(tmp_path: Path) -> None:
    (record,) = all_records(written(tmp_path / "a.parquet", REQUIRED | {"user_id": pa.array([None], pa.string())}))
    assert record.key is None
    assert "user_id" not in json.loads(record.value or b"")


def test_csv_values_stay_texts_and_empty_ones_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(
        "\ufefftimestamp,transaction_id,user_id,note,amount,merchant_id,category\r\n"
        '1700000000000,007,u1,x,1e2,"Müller, ""Bau""",\r\n\r\n'.encode()
    )
    assert documents(path) == [
        {
            "transaction_id": "007",
            "user_id": "u1",
            "amount": "1e2",
            "timestamp": "1700000000000",
            "merchant_id": 'Müller, "Bau"',
        }
    ]


def test_json_lines_pass_untouched_malformed_ones_too(tmp_path: Path) -> None:
    lines = [b' {"user_id": 5, "x": 1}', b'{"user_id":"u1"', b"[]", b"", b"\xff\xfe", b'{"user_id":null}', b'"x"']
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\r\n")
    records = all_records(path)
    assert [record.value for record in records] == lines
    assert [record.key for record in records] == [b"5", None, None, None, None, None, None]
    assert [record.offset for record in records] == list(range(7))


def test_a_folder_is_read_by_name_and_in_one_sequence(tmp_path: Path) -> None:
    written(tmp_path / "2.parquet", REQUIRED | {"transaction_id": ["second"]})
    (tmp_path / "1.csv").write_text("transaction_id,user_id,amount,timestamp\nfirst,u1,1,1\n", encoding="utf-8")
    (tmp_path / "3.jsonl").write_text('{"transaction_id":"third","user_id":"u1"}\n', encoding="utf-8")
    for ignored in ("_SUCCESS", ".4.csv", "_5.csv", "notes.txt"):
        (tmp_path / ignored).write_text("x", encoding="utf-8")
    records = all_records(tmp_path)
    assert [json.loads(each.value or b"")["transaction_id"] for each in records] == ["first", "second", "third"]
    assert [record.offset for record in records] == [0, 1, 2]


def test_users_are_spread_over_partitions_as_kafka_does(tmp_path: Path) -> None:
    users = [f"u{number % 13}" for number in range(100)]
    path = written(
        tmp_path / "a.parquet",
        {
            "transaction_id": [f"t{n}" for n in range(100)],
            "user_id": users,
            "amount": [1.0] * 100,
            "timestamp": [1] * 100,
        },
    )
    records = all_records(path, partitions=4, max_records=30)
    assert len(records) == 100
    assert all(each.partition == partition_for(each.key or b"", 4) for each in records)
    for partition in range(4):
        share = [each for each in records if each.partition == partition]
        assert [each.offset for each in share] == list(range(len(share)))
    first = ArchiveSource(path, partitions=4).poll(timeout_s=0, max_records=30)
    places = [each.partition for each in first]
    assert places == sorted(places)


def test_an_empty_poll_is_its_end(tmp_path: Path) -> None:
    archive = ArchiveSource(written(tmp_path / "a.parquet", REQUIRED), topic="history", partitions=3)
    source: Source = archive
    (record,) = source.poll(timeout_s=0, max_records=10)
    assert record.topic == "history"
    assert source.poll(timeout_s=0, max_records=10) == []
    archive.close()
    archive.close()
    with pytest.raises(TransportError, match="closed"):
        archive.poll(timeout_s=0, max_records=1)


def test_a_missing_column_is_explained(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", {"id": [1], "user_id": ["u"], "amount": [1.0], "timestamp": [1]})
    with pytest.raises(ArchiveError) as caught:
        all_records(path)
    for part in (str(path), "'transaction_id'", "'id', 'user_id', 'amount', 'timestamp'", "rename", "--preset"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.parquet", b"PAR1 but no more", "cannot be read"),
        ("a.csv", b"", "has no column"),
        ("a.csv", b"transaction_id,user_id,amount,timestamp\n1,2,3\n", "line 2 .* has 3 values for 4 columns"),
        ("a.csv", b"transaction_id,user_id,amount,timestamp\n1,\xff,3,4\n", "cannot be read"),
        ("a.csv", b'transaction_id,user_id,amount,timestamp\n1,"2"x,3,4\n', "cannot be read"),
        ("a.xlsx", b"", "is no archive"),
    ],
)
def test_damaged_files_are_archive_errors(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match=said) as caught:
        all_records(path)
    assert str(path) in str(caught.value)


def test_absent_archives_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="there is no file"):
        ArchiveSource(tmp_path / "a.csv")
    with pytest.raises(ArchiveError, match="holds no file"):
        ArchiveSource(tmp_path)


def test_partitions_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="partitions is 0"):
        ArchiveSource(written(tmp_path / "a.parquet", REQUIRED), partitions=0)
