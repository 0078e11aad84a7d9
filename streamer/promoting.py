"""Putting another bundle of a folder in use, and going back."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from detectors.bundle import Bundle
from streamer.bundles import bundles_in, open_bundle
from streamer.cards.card import Comparison
from streamer.cards.read import card_of
from streamer.errors import BundleError, EnvironmentFault
from streamer.promotions import Move, Promotions, changing, read_promotions, write_promotions

Compare = Callable[[Bundle, Bundle], Comparison]
"""Lets the bundle in use and the new one judge the same payments."""


@dataclass(frozen=True, slots=True)
class Promoted:
    """What became of a promotion.

    Attributes:
        move: the one that put the bundle in use.
        replaced: the bundle that was in use before; None if none was.
        changed: false if the bundle was in use already.
        comparison: of both; None where there was nothing to compare with, or nobody asked.
    """

    move: Move
    replaced: Move | None
    changed: bool
    comparison: Comparison | None


def promote(bundle: Path, *, at: int, force: bool, compare: Compare | None) -> Promoted:
    """Put a bundle in use, in its folder, in the place of the one that is.

    Args:
        bundle: stands in a folder of bundles.
        at: milliseconds since the epoch.
        force: whether objections are overruled.
        compare: None takes the comparison that the new bundle's card tells, if it is with the one in use.

    Raises:
        BundleError: it cannot be used, is worse than the one in use or was not compared with it, or
            another was put in use meanwhile.
        EnvironmentFault: the folder cannot be written to.
    """
    place, name = bundle.resolve().parent, bundle.resolve().name
    if bundles_in(bundle) and not (bundle / "manifest.json").exists():
        raise BundleError(f"{str(bundle)!r} is a folder of bundles: name one in it, such as {bundles_in(bundle)[-1]}")
    new = open_bundle(bundle)
    seen = read_promotions(place).current
    if seen is not None and (seen.bundle, seen.sha256) == (name, new.sha256):
        return Promoted(seen, seen, changed=False, comparison=None)
    comparison: Comparison | None = None
    objections: tuple[str, ...] = ()
    if seen is not None:
        comparison, objections = _judged(place, seen, new, bundle, compare)
    if objections and not force:
        raise BundleError(
            f"bundle {str(bundle)!r} is not put in use: {'; '.join(objections)} (--force does it in spite of that)"
        )
    move = Move(kind="promote", bundle=name, sha256=new.sha256, at=at, overruled=objections)
    with changing(place):
        now = read_promotions(place)
        if now.current != seen:
            raise BundleError(
                f"meanwhile {_named(now.current)} was put in use in {str(place)!r} instead of {_named(seen)}: look "
                "whether that is what you want, then promote again"
            )
        write_promotions(place, now.and_then(move))
    return Promoted(move, seen, changed=True, comparison=comparison)


def roll_back(place: Path, *, at: int) -> Promoted:
    """Put the bundle in use again that was before.

    Args:
        place: a folder of bundles.
        at: milliseconds since the epoch.

    Raises:
        BundleError: there was none before, or it cannot be used any more.
        EnvironmentFault: the folder does not exist or cannot be written to.
    """
    _require_folder(place)
    with changing(place):
        promotions = read_promotions(place)
        before, current = promotions.before, promotions.current
        if before is None:
            raise BundleError(
                f"{_named(current)} is in use in {str(place)!r}, and none was before: there is nothing to go back to"
            )
        old = open_bundle(place / before.bundle)
        if old.sha256 != before.sha256:
            raise BundleError(
                f"bundle {str(place / before.bundle)!r} is not the one that was in use: put it back first"
            )
        move = Move(kind="rollback", bundle=before.bundle, sha256=before.sha256, at=at)
        write_promotions(place, promotions.and_then(move))
    return Promoted(move, current, changed=True, comparison=None)


def known_promotions(place: Path) -> Promotions:
    """Return the promotions of a folder that must exist.

    Raises:
        EnvironmentFault: it does not.
        BundleError: the promotions are damaged.
    """
    _require_folder(place)
    return read_promotions(place)


def _judged(
    place: Path, seen: Move, new: Bundle, bundle: Path, compare: Compare | None
) -> tuple[Comparison | None, tuple[str, ...]]:
    """Return the comparison with the bundle in use and what speaks against the new one."""
    if compare is None:
        card = card_of(bundle)
        told = None if card is None else card.comparison
        if told is None or told.old.sha256 != seen.sha256:
            return None, (
                f"it was never compared with {_named(seen)}, which is in use: give --data, payments newer than both",
            )
        return told, told.objections
    try:
        old = open_bundle(place)
    except BundleError as error:
        return None, (f"it cannot be compared with the one in use: {error}",)
    comparison = compare(old, new)
    return comparison, comparison.objections


def _require_folder(place: Path) -> None:
    if not place.is_dir():
        raise EnvironmentFault(f"there is no folder {str(place)!r}: name the folder that holds your bundles")


def _named(move: Move | None) -> str:
    return "no bundle" if move is None else f"{move.bundle!r}"
