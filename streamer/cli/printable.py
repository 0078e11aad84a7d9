"""Foreign bytes and texts, made safe to be printed: nothing in them reaches the terminal as a command."""


def printable(text: str, *, keep: str = "") -> str:
    r"""Replace what is not printable by escapes such as `\x1b`, save for the characters to be kept."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else _escape(c) for c in text)


def printable_bytes(value: bytes) -> str:
    """Return bytes as text, with escapes for what is no text."""
    return printable(value.decode("utf-8", "backslashreplace"))


def hex_dump(value: bytes) -> str:
    """Return rows of offset, 16 bytes in hex, and those of them that are ASCII."""
    rows = []
    for start in range(0, len(value), 16):
        part = value[start : start + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        rows.append(f"{start:08x}  {part.hex(' '):<47}  {text}")
    return "\n".join(rows)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
