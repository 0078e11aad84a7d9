"""All forms of a card, as files of a bundle."""

from collections.abc import Mapping

from streamer.cards.card import CARD, ModelCard, encode_card
from streamer.cards.html import html_of
from streamer.cards.markdown import markdown_of


def documents_of(card: ModelCard) -> dict[str, bytes]:
    """Return JSON, Markdown, HTML and pictures by file name."""
    pictures = _pictures(card)
    return {
        CARD: encode_card(card),
        "card.md": markdown_of(card, tuple(pictures)).encode(),
        "card.html": html_of(card, pictures).encode(),
        **pictures,
    }


def _pictures(card: ModelCard) -> Mapping[str, bytes]:
    """Draw; without the package that draws, a bundle can be trained all the same."""
    try:
        from streamer.cards.plots import draw  # noqa: PLC0415 (needs an extra)
    except ImportError:
        return {}
    return draw(card)
