"""One dead letter in full, for people and for programs."""

import base64

from streamer.alerts.dead_letter import ORIGINAL
from streamer.cli.dlq_report import letter_facts, written_at
from streamer.cli.printable import hex_dump, printable, printable_bytes
from streamer.dead_letters.find import Found

_SHOWN_TEXT = 20_000
_SHOWN_BYTES = 4_096


def letter_text(found: Found) -> str:
    """Return all about a letter, with nothing in it that a terminal would obey."""
    record, letter = found.record, found.letter
    lines = [f"position    {record.partition}/{record.offset}"]
    if letter is None:
        lines.append("status      no dead letter of this program")
    else:
        when = f" at {printable(found.redriven_at)}" if found.redriven_at else ""
        lines += [
            f"status      {found.status}{when}",
            f"written     {written_at(letter) or 'unknown'}",
            f"origin      {printable(letter.origin)}",
        ]
    detail = dict(record.headers).get("x-detail")
    if detail is not None:
        lines.append(f"detail      {printable_bytes(detail)}")
    lines.append(f"key         {'none' if record.key is None else printable_bytes(record.key)}")
    lines += _headers("headers", [(name, value) for name, value in record.headers if not name.startswith(ORIGINAL)])
    originals = [(n.removeprefix(ORIGINAL), value) for n, value in record.headers if n.startswith(ORIGINAL)]
    lines += _headers("headers of the original", originals)
    return "\n".join((*lines, *_value(record.value or b"")))


def letter_document(found: Found) -> dict[str, object]:
    """Return the same for programs; bytes as base64, and as text where they are UTF-8."""
    record, letter = found.record, found.letter
    value = record.value or b""
    try:
        text: str | None = value.decode()
    except UnicodeDecodeError:
        text = None
    return {
        "position": f"{record.partition}/{record.offset}",
        "letter": None if letter is None or found.status is None else letter_facts(letter, found.status),
        "redriven_at": found.redriven_at,
        "headers": [[name, content.decode("utf-8", "backslashreplace")] for name, content in record.headers],
        "key_base64": None if record.key is None else base64.b64encode(record.key).decode(),
        "value_text": text,
        "value_base64": base64.b64encode(value).decode(),
    }


def _headers(title: str, headers: list[tuple[str, bytes]]) -> list[str]:
    if not headers:
        return []
    return [title, *(f"  {printable(name)} = {printable_bytes(value)}" for name, value in headers)]


def _value(value: bytes) -> list[str]:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        cut = len(value) > _SHOWN_BYTES
        head, body = f"value, {len(value):,} bytes that are no UTF-8", hex_dump(value[:_SHOWN_BYTES])
    else:
        cut = len(text) > _SHOWN_TEXT
        head, body = f"value, {len(value):,} bytes", printable(text[:_SHOWN_TEXT], keep="\n")
    return [head, body, *(["… cut here; --raw writes all of it"] if cut else [])]
