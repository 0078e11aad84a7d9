"""Foreign text must never command a terminal."""

import pytest

from streamer.cli.printable import hex_dump, printable, printable_bytes


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢", "plain é 漢"),
        ("\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"),
        ("a\r\n\tb", "a\\r\\n\\tb"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\x9b31m", "\\x9b31m"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_characters_to_be_kept_are_kept() -> None:
    assert printable("a\nb\x1b", keep="\n") == "a\nb\\x1b"


def test_bytes_that_are_no_text_are_escaped() -> None:
    assert printable_bytes(b"caf\xc3\xa9 \xff\x00") == "café \\xff\\x00"


def test_a_hex_dump_shows_every_byte() -> None:
    value = bytes(range(32)) + b"end\x7f"
    rows = hex_dump(value).splitlines()
    assert rows[0].startswith("00000000  00 01 02")
    assert rows[2] == "00000020  65 6e 64 7f" + " " * 36 + "  end."
    assert bytes.fromhex("".join(row[10:57] for row in rows)) == value
