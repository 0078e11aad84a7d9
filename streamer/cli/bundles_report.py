"""What `streamer bundles` tells."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from detectors.api import InvalidBundle
from detectors.bundle import read_manifest
from streamer.alerts.texts import time_text
from streamer.bundles import bundles_in
from streamer.cards.card import Comparison, ModelCard
from streamer.cards.read import card_of
from streamer.cards.wording import TITLES, comparison_section
from streamer.errors import BundleError
from streamer.exam import ENSEMBLE
from streamer.promoting import Promoted
from streamer.promotions import Move, Promotions

WIDTH = 160

_SHOWN = ("average_precision", "corruption_auc", "alerts_a_day")


@dataclass(frozen=True, slots=True)
class Listed:
    """One bundle of a folder.

    Attributes:
        name: of its folder.
        state: current, before (a rollback returns to it), or empty.
        bundle_id: name of its line; empty where it is damaged.
        version: within the line.
        created: RFC 3339.
        trained_until: RFC 3339.
        sha256: its digest.
        card: its card; None where it has none.
        fault: why it cannot be used; None if nothing is known.
    """

    name: str
    state: str
    bundle_id: str = ""
    version: str = ""
    created: str = ""
    trained_until: str = ""
    sha256: str = ""
    card: ModelCard | None = None
    fault: str | None = None


def terminal() -> Console:
    """Return the console for tables; files and pipes have no width of their own."""
    found = Console()
    return found if found.is_terminal else Console(width=WIDTH)


def listed(folder: Path, promotions: Promotions) -> list[Listed]:
    """Return the bundles of a folder and those that are in use but gone, the newest last."""
    current, before = promotions.current, promotions.before
    states = {move.bundle: state for move, state in ((before, "before"), (current, "current")) if move is not None}
    found = [_listed(path, states.get(path.name, "")) for path in bundles_in(folder)]
    gone = [
        Listed(name, state, fault="it is not there any more")
        for name, state in states.items()
        if name not in {each.name for each in found}
    ]
    return sorted([*gone, *found], key=lambda each: (each.created, each.name))


def listing_document(found: Sequence[Listed], promotions: Promotions) -> dict[str, object]:
    """Return the list as JSON knows it."""
    bundles = [
        {
            "name": each.name,
            "state": each.state,
            "bundle_id": each.bundle_id,
            "version": each.version,
            "created": each.created,
            "trained_until": each.trained_until,
            "sha256": each.sha256,
            "figures": {} if each.card is None else msgspec.to_builtins(each.card.figures.get(ENSEMBLE, {})),
            "fault": each.fault,
        }
        for each in found
    ]
    return {"bundles": bundles, "moves": msgspec.to_builtins(promotions.moves)}


def print_listing(folder: Path, found: Sequence[Listed], console: Console) -> None:
    """Print the list as a table."""
    if not found:
        console.print(
            f"no bundles in {escape(str(folder))}: `streamer train --out {escape(str(folder))}/NAME` makes one"
        )
        return
    table = Table(box=box.SIMPLE, pad_edge=False)
    for heading in ("bundle", "state", "line", "version", "learnt until", *(TITLES[name] for name in _SHOWN)):
        table.add_column(heading, overflow="fold")
    for each in found:
        figures = {} if each.card is None else each.card.figures.get(ENSEMBLE, {})
        cells = [f"{figures[name].value:.3f}" if name in figures else "–" for name in _SHOWN]
        table.add_row(
            *map(escape, (each.name, each.state, each.bundle_id, each.version, each.trained_until[:10])), *cells
        )
    console.print(table)
    for each in found:
        if each.fault is not None:
            console.print(f"{escape(each.name)}: {escape(each.fault)}")


def comparison_document(comparison: Comparison) -> dict[str, object]:
    """Return a comparison as JSON knows it."""
    document: dict[str, object] = msgspec.to_builtins(comparison)
    return document


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print a comparison as a table, with what it means."""
    section = comparison_section(comparison)
    for paragraph in section.paragraphs:
        console.print(escape(paragraph))
    if section.table is not None:
        table = Table(box=box.SIMPLE, pad_edge=False)
        for heading in section.table.headings:
            table.add_column(heading, overflow="fold")
        for row in section.table.rows:
            table.add_row(*row)
        console.print(table)
    for item in section.items:
        console.print(f"- {escape(item)}")


def promoted_document(done: Promoted) -> dict[str, object]:
    """Return what became of a promotion or a rollback as JSON knows it."""
    return {
        "changed": done.changed,
        "in_use": _move_document(done.move),
        "before": None if done.replaced is None else _move_document(done.replaced),
        "comparison": None if done.comparison is None else comparison_document(done.comparison),
    }


def print_promoted(done: Promoted, console: Console) -> None:
    """Say what became of a promotion or a rollback."""
    if not done.changed:
        console.print(f"{escape(done.move.bundle)} is in use already")
        return
    if done.comparison is not None:
        print_comparison(done.comparison, console)
    for objection in done.move.overruled:
        console.print(f"overruled: {escape(objection)}")
    instead = "" if done.replaced is None else f" instead of {escape(done.replaced.bundle)}"
    console.print(f"{escape(done.move.bundle)} is in use{instead}")


def _move_document(move: Move) -> dict[str, object]:
    document: dict[str, object] = msgspec.to_builtins(move)
    return document


def _listed(path: Path, state: str) -> Listed:
    try:
        manifest, sha256 = read_manifest(path)
    except InvalidBundle as error:
        return Listed(path.name, state, fault=str(error))
    card, fault = None, None
    try:
        card = card_of(path)
    except BundleError as error:
        fault = str(error)
    made = manifest.made
    return Listed(
        path.name,
        state,
        made.bundle_id,
        made.version,
        time_text(made.created_at),
        time_text(made.trained_until),
        sha256,
        card,
        fault,
    )
