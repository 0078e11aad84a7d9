"""A card as one HTML file that needs nothing else: no script, no font, no network."""

import base64
from collections.abc import Iterator, Mapping
from html import escape

from streamer.cards.card import ModelCard
from streamer.cards.wording import PICTURES, Section, Table, sections_of

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
div { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid #ddd; padding: .25rem .6rem; text-align: left; vertical-align: top; }
img { max-width: 100%; }
"""


def html_of(card: ModelCard, pictures: Mapping[str, bytes]) -> str:
    """Write a card.

    Args:
        card: what it says.
        pictures: SVG by file name.
    """
    title = f"Model card: {card.bundle_id} version {card.version}"
    body = [line for section in sections_of(card) for line in _section(section)]
    at = body.index("<h2>Limits</h2>")
    shown = [line for name, picture in pictures.items() for line in _picture(PICTURES[name], picture)]
    lines = [
        "<!doctype html>",
        '<html lang="en">',
        f'<head><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style></head>',
        "<body>",
        f"<h1>{escape(title)}</h1>",
        *body[:at],
        *shown,
        *body[at:],
        "</body>",
        "</html>",
    ]
    return "\n".join(lines) + "\n"


def _section(section: Section) -> Iterator[str]:
    yield f"<h2>{escape(section.title)}</h2>"
    yield from (f"<p>{escape(paragraph)}</p>" for paragraph in section.paragraphs)
    if section.items:
        yield "<ul>"
        yield from (f"<li>{escape(item)}</li>" for item in section.items)
        yield "</ul>"
    if section.table is not None:
        yield from _table(section.table)


def _table(table: Table) -> Iterator[str]:
    yield "<div><table>"
    yield _row("th", table.headings)
    yield from (_row("td", cells) for cells in table.rows)
    yield "</table></div>"


def _row(tag: str, cells: tuple[str, ...]) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"


def _picture(title: str, svg: bytes) -> Iterator[str]:
    # As an image of its own, names inside one picture cannot meet those of another.
    source = base64.b64encode(svg).decode()
    yield f"<h2>{escape(title)}</h2>"
    yield f'<p><img alt="{escape(title)}" src="data:image/svg+xml;base64,{source}"></p>'
