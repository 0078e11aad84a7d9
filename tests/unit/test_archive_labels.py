from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from streamer.errors import ArchiveError
from streamer.transport.archive_labels import read_episodes, read_labels


@pytest.mark.parametrize(
    "column",
    [
        pa.array([True, False, None]),
        pa.array([1, 0, None]),
        pa.array([1.0, 0.0, None]),
        pa.array(["True", "false", None]),
        pa.array(["1", "0", None]),
    ],
    ids=["bool", "int", "float", "text", "digit"],
)
def test_labels_are_read_in_any_usual_form(tmp_path: Path, column: pa.Array) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"transaction_id": ["t1", "t2", "t3"], "truth": column}), path)
    assert read_labels(path, column="truth") == {"t1": True, "t2": False}


def test_ids_are_texts_as_in_events(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"transaction_id": [17], "is_fraud": [True]}), path)
    assert read_labels(path) == {"17": True}


def test_json_lines_without_a_label_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        b'{"transaction_id":"t1","is_fraud":true,"episode_id":"e1"}\n'
        b'{"transaction_id":"t2"}\n{"transaction_id":\n[]\n\xff\n{"is_fraud":true}\n'
        b'{"transaction_id":"t3","is_fraud":false}\n'
    )
    assert read_labels(path) == {"t1": True, "t3": False}
    assert read_episodes(path) == {"t1": "e1"}


def test_labels_of_a_folder_are_joined(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("transaction_id,is_fraud\nt1,true\n", encoding="utf-8")
    (tmp_path / "2.csv").write_text("transaction_id,is_fraud\nt2,false\n", encoding="utf-8")
    assert read_labels(tmp_path) == {"t1": True, "t2": False}


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", "transaction_id,label\nt1,true\n"), ("a.jsonl", '{"transaction_id":"t1","label":true}\n')],
)
def test_a_missing_label_column_is_named(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ArchiveError, match=r"'is_fraud'.*--label"):
        read_labels(path)


def test_another_value_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("transaction_id,is_fraud\nt1,maybe\n", encoding="utf-8")
    with pytest.raises(ArchiveError, match=r"'t1'.*'maybe'.*'is_fraud'"):
        read_labels(path)
