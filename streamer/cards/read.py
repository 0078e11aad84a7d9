"""The card of a bundle on disk."""

from pathlib import Path

from detectors.api import InvalidBundle
from detectors.bundle import read_document
from streamer.cards.card import CARD, ModelCard, decode_card
from streamer.errors import BundleError


def card_of(folder: Path) -> ModelCard | None:
    """Read the card of a bundle; None if it has none.

    Raises:
        BundleError: the bundle or its card is damaged.
    """
    try:
        raw = read_document(folder, CARD)
        return None if raw is None else decode_card(raw)
    except InvalidBundle as error:
        raise BundleError(f"bundle {str(folder)!r} cannot be used: {error}") from error
    except ValueError as error:
        raise BundleError(f"bundle {str(folder)!r}: {error}; copy or train it anew") from error
