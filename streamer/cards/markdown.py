"""A card as Markdown."""

import re
from collections.abc import Iterator, Sequence

from streamer.cards.card import ModelCard
from streamer.cards.wording import PICTURES, Section, sections_of

_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~])")


def markdown_of(card: ModelCard, pictures: Sequence[str]) -> str:
    """Write a card.

    Args:
        card: what it says.
        pictures: files beside it that it shows.
    """
    lines = [f"# Model card: {_plain(card.bundle_id)} version {_plain(card.version)}"]
    for section in sections_of(card):
        lines += _section(section)
    for name in pictures:
        lines += ["", f"## {PICTURES[name]}", "", f"![{PICTURES[name]}]({name})"]
    return "\n".join(lines) + "\n"


def _section(section: Section) -> Iterator[str]:
    yield from ("", f"## {section.title}")
    for paragraph in section.paragraphs:
        yield from ("", _plain(paragraph))
    if section.items:
        yield ""
        yield from (f"- {_plain(item)}" for item in section.items)
    if section.table is not None:
        table = section.table
        yield from ("", _row(table.headings), _row(["---", *["---:"] * (len(table.headings) - 1)], plain=False))
        yield from map(_row, table.rows)


def _row(cells: Sequence[str], *, plain: bool = True) -> str:
    return f"| {' | '.join(_plain(cell) if plain else cell for cell in cells)} |"


def _plain(text: str) -> str:
    """Write text so that nothing in it is markup, on one line."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))
