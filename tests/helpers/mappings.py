"""Mappings written as in a file, and records read through them."""

from pathlib import Path

from streamer.events.decode import decode_one
from streamer.events.mapping import FieldMapping
from streamer.events.mapping_file import open_mapping
from streamer.events.plain import PlainTransaction
from streamer.events.record import Record
from streamer.settings import EventSettings

PLAIN = {"transaction_id": "id", "user_id": "user", "amount": "amount", "timestamp": "time"}
"""Required fields, each made of one column."""


def mapping_of(folder: Path, **entries: str) -> FieldMapping:
    """Return the mapping of a file with these entries, given as TOML, beside those of PLAIN."""
    file = folder / "mapping.toml"
    lines = {field: f'"{column}"' for field, column in PLAIN.items()} | entries
    file.write_text("\n".join(f"{field} = {entry}" for field, entry in lines.items()), encoding="utf-8")
    mapping = open_mapping(str(file))
    assert mapping is not None
    return mapping


def read(mapping: FieldMapping, value: bytes) -> PlainTransaction:
    """Decode one record."""
    return decode_one(Record("transactions", 0, 0, None, value), EventSettings(), mapping)
